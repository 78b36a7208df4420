"""The .tflite reader: what it makes of sound files and how it refuses others."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import tflite
from support import graphs, nets
from support.graphs import Case, Spec, act, bias, real, weights

from edgekit.errors import ModelError, UnsupportedError
from edgekit.frontends import tflite as reader
from edgekit.frontends import tflite_writer as writer
from edgekit.frontends.layer_names import layer_names, printable, unique
from edgekit.ir.graph import DType, Graph, QuantParams
from edgekit.ops.base import Activation
from edgekit.ops.conv_2d import Conv2D
from edgekit.ops.fully_connected import FullyConnected
from edgekit.ops.relu import Relu
from edgekit.ops.reshape import Reshape


def residual(**changes) -> Graph:
    return replace(nets.residual_net(), **changes)


def with_tensor(name: str, **changes) -> bytes:
    graph = residual()
    return writer.write(replace(graph, tensors={**graph.tensors, name: replace(graph.tensors[name], **changes)}))


def test_the_graph_carries_the_files_digest():
    data = writer.write(residual())
    assert reader.read(data).sha256 == hashlib.sha256(data).hexdigest()


def test_a_path_names_the_model_after_the_file(tmp_path):
    path = tmp_path / "my model.v2.tflite"
    path.write_bytes(writer.write(residual()))
    assert reader.read(path).name == "my model.v2"
    assert reader.read(str(path)).name == "my model.v2"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"absent\.tflite"):
        reader.read(tmp_path / "absent.tflite")


def test_constants_cannot_be_changed():
    graph = reader.read(writer.write(residual()))
    constants = [t.data for t in graph.tensors.values() if t.data is not None]
    assert constants
    assert not any(data.flags.writeable for data in constants)


def test_several_inputs_and_outputs_keep_their_order():
    graph = nets.two_headed_net()
    read = reader.read(writer.write(graph))
    assert (read.inputs, read.outputs) == (graph.inputs, graph.outputs)
    assert len(read.inputs) == len(read.outputs) == 2


def test_writing_is_deterministic():
    assert writer.write(nets.residual_net()) == writer.write(nets.residual_net())


def test_every_unsupported_layer_is_reported_at_once():
    graph = residual()
    nodes = [
        replace(n, op=replace(n.op, activation=Activation.TANH)) if isinstance(n.op, (Conv2D, FullyConnected)) else n
        for n in graph.nodes
    ]
    with pytest.raises(UnsupportedError) as caught:
        reader.read(writer.write(replace(graph, nodes=tuple(nodes))))
    wheres = [p.where for p in caught.value.problems]
    assert wheres == [f"layer '{name}/out_0'" for name in ("conv_2d_0", "conv_2d_2", "fully_connected_6")]
    assert all("TANH" in p.found and p.hint for p in caught.value.problems)


def test_an_unknown_op_is_named_with_its_layer():
    with pytest.raises(UnsupportedError, match="SVDF is not supported"):
        reader.read(with_unknown_op(writer.write(residual()), 1))


def with_unknown_op(data: bytes, code: int) -> bytes:
    """The file with operator code ``code`` turned into SVDF, which edgekit does not have."""
    changed = bytearray(data)
    table = tflite.Model.GetRootAs(changed, 0).OperatorCodes(code)
    for slot in (4, 10):  # the old and the new field of the operator's code
        changed[table._tab.Pos + int(table._tab.Offset(slot))] = tflite.BuiltinOperator.SVDF
    return bytes(changed)


def test_unknown_ops_and_broken_rules_of_known_ones_come_in_one_error_in_the_order_of_the_layers():
    net = nets.Net("mixed")
    (first,) = net.layer(FullyConnected(Activation.TANH), net.input(act((1, 8))), weights((4, 8)), bias(4))
    (second,) = net.layer(Relu(), first)
    (third,) = net.layer(FullyConnected(Activation.SIGN_BIT), second, weights((3, 4)), bias(3))
    graph = net.graph(third, "input_0")
    data = with_unknown_op(writer.write(graph), 1)
    with pytest.raises(UnsupportedError) as caught:
        reader.read(data)
    found = [(p.what.split(" ")[0], p.found) for p in caught.value.problems]
    assert found == [
        ("FULLY_CONNECTED:", "activation = TANH"),
        ("SVDF", ""),
        ("FULLY_CONNECTED:", "activation = SIGN_BIT"),
        ("a", ""),
    ]


def test_a_float_model_lists_unknown_ops_unfit_tensors_and_layers_to_quantise_together():
    net = nets.Net("float")
    image = net.input(real((1, 4, 4, 2)))
    filters = Spec((3, 1, 1, 2), dtype=DType.FLOAT32, constant=True)
    (first,) = net.layer(Conv2D(), image, filters, out=(real(),))
    (second,) = net.layer(Relu(), first, out=(real(),))
    (third,) = net.layer(Conv2D(), second, weights((2, 1, 1, 3)), out=(real(),))
    graph = net.graph(third)
    data = bytearray(with_unknown_op(writer.write(graph), 1))
    half = list(graph.tensors).index("conv_2d_2/operand_1")
    tensor = tflite.Model.GetRootAs(data, 0).Subgraphs(0).Tensors(half)
    data[tensor._tab.Pos + int(tensor._tab.Offset(6))] = tflite.TensorType.FLOAT16
    with pytest.raises(UnsupportedError) as caught:
        reader.read(bytes(data))
    what = [p.what for p in caught.value.problems]
    assert len(what) == 3
    assert "its activations are int8" in what[0]
    assert "SVDF" in what[1]
    assert "FLOAT16" in what[2]


def test_an_absent_options_table_means_the_schemas_defaults():
    graph = graphs.graph(Case("plain", FullyConnected(), (act((1, 4)), weights((3, 4)), bias(3))))
    data = bytearray(writer.write(graph))
    operator = tflite.Model.GetRootAs(data, 0).Subgraphs(0).Operators(0)
    data[operator._tab.Pos + int(operator._tab.Offset(10))] = tflite.BuiltinOptions.NONE
    assert reader.read(bytes(data)).nodes[0].op == FullyConnected()


def test_options_of_another_op_are_refused():
    data = bytearray(writer.write(residual()))
    operator = tflite.Model.GetRootAs(data, 0).Subgraphs(0).Operators(0)
    data[operator._tab.Pos + int(operator._tab.Offset(10))] = tflite.BuiltinOptions.SoftmaxOptions
    with pytest.raises(ModelError, match="options of type"):
        reader.read(bytes(data))


def test_a_float_model_is_told_to_quantise():
    case = Case("float", Conv2D(), (real((1, 4, 4, 2)), Spec((3, 1, 1, 2), dtype=DType.FLOAT32, constant=True)))
    data = writer.write(graphs.graph(replace(case, outputs=(real(),))))
    with pytest.raises(UnsupportedError, match="quantise the model to int8"):
        reader.read(data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (1, 8, 6, 4)}, "equal groups"),
        ({"shape": (2, 8, 6, 3)}, "has the wrong shape"),
        ({"shape": (1,) * 9}, "too many dimensions"),
        ({"shape": (1, 8, -6, 3)}, "size is out of range"),
        ({"shape": (1, 0, 6, 3)}, "size is out of range"),
        ({"shape": (1, 1 << 20, 1 << 20, 3)}, "size is out of range"),
        ({"quant": None}, "int8 with one scale each"),
        ({"quant": QuantParams((float("nan"),), (0,))}, "scale is out of range"),
        ({"quant": QuantParams((float("inf"),), (0,))}, "scale is out of range"),
        ({"quant": QuantParams((0.0,), (0,))}, "scale is out of range"),
        ({"quant": QuantParams((1e-30,), (0,))}, "scale is too small"),
        ({"quant": QuantParams((0.1,), (128,))}, "zero point is out of range"),
        ({"quant": QuantParams((0.1, 0.1), (0,))}, "do not pair up"),
        ({"quant": QuantParams((0.1, 0.1), (0, 0), 3)}, "do not match the dimension"),
        ({"quant": QuantParams((0.1,) * 3, (0,) * 3, 9)}, "do not match the dimension"),
    ],
)
def test_a_bad_input_tensor_is_refused(changes, message):
    with pytest.raises((ModelError, UnsupportedError), match=message):
        reader.read(with_tensor("input_0", **changes))


def test_constant_data_must_fill_its_shape():
    with pytest.raises(ModelError, match=r"16 bytes, its shape .* needs 20"):
        reader.read(with_tensor("conv_2d_0/operand_2", shape=(5,)))


def test_layers_out_of_order_are_refused():
    graph = residual()
    with pytest.raises(ModelError, match="before any layer makes it"):
        reader.read(writer.write(replace(graph, nodes=graph.nodes[::-1])))


def test_a_tensor_made_twice_is_refused():
    graph = residual()
    with pytest.raises(ModelError, match="exists already"):
        reader.read(writer.write(replace(graph, nodes=(graph.nodes[0], *graph.nodes))))


def test_a_model_output_that_no_layer_makes_is_refused():
    with pytest.raises(UnsupportedError, match="must be made by a layer"):
        reader.read(writer.write(residual(outputs=("input_0",))))


@pytest.mark.parametrize("op", [Reshape((6, 2)), Relu()], ids=["a view", "a layer"])
def test_a_model_output_that_depends_on_no_input_is_refused(op):
    net = nets.Net("known")
    (first,) = net.layer(Relu(), net.input(act((1, 12))))
    (second,) = net.layer(op, replace(act((3, 4)), constant=True))
    with pytest.raises(UnsupportedError, match="must depend on an input") as caught:
        reader.read(writer.write(net.graph(first, second)))
    assert second in str(caught.value)


def test_tensors_of_one_name_are_told_apart():
    graph = residual()
    twins = {"conv_2d_0/operand_1", "conv_2d_2/operand_1"}
    tensors = {k: replace(t, name="same") if k in twins else t for k, t in graph.tensors.items()}
    read = reader.read(writer.write(replace(graph, tensors=tensors)))
    assert {"same", "same_2"} <= set(read.tensors)
    np.testing.assert_array_equal(read.tensors["same_2"].value, graph.tensors["conv_2d_2/operand_1"].value)


def test_a_fused_name_becomes_the_layer_that_holds_the_weights():
    fused = "model/activation/Relu;model/bn/FusedBatchNormV3;model/conv2d/BiasAdd;model/conv2d_9/Conv2D"
    plain = "model/relu/Relu;model/bn/FusedBatchNormV3;model/dw_2/depthwise;model/conv_b/Conv2D"
    layers = [("CONV_2D", fused), ("CONV_2D", plain), ("ADD", "model/add/add"), ("SOFTMAX", "Identity")]
    assert layer_names(layers) == ["conv2d", "conv_b", "add", "softmax"]


def test_layer_names_keep_what_is_not_shared_and_are_unique():
    assert layer_names([("ADD", "a/x/add"), ("ADD", "b/x/add")]) == ["a/x", "b/x"]
    assert layer_names([("MUL", "same"), ("MUL", "same"), ("MUL", "StatefulPartitionedCall:0")]) == [
        "same",
        "same_2",
        "mul",
    ]


def test_a_suffixed_name_does_not_meet_one_that_is_there_already():
    assert unique(["a", "a_2", "a", "a"]) == ["a", "a_2", "a_3", "a_4"]


def test_control_characters_do_not_reach_the_terminal():
    assert printable(b"a\x1b[31m\nb\xff") == "a_[31m_b\N{REPLACEMENT CHARACTER}"
