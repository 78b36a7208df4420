# GNU compilers: arm-none-eabi-gcc for Cortex-M, aarch64-linux-gnu-gcc for Linux boards, cc for this computer.
include(${CMAKE_CURRENT_LIST_DIR}/board.cmake)

set(EK_NO_BUILTIN -fno-builtin -fno-tree-loop-distribute-patterns)
set(EK_HEX ihex)

if(EK_CORE STREQUAL "host")
    return()
endif()

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(EK_LIBRARIES gcc)
if(EK_CORE MATCHES "^cortex-a")
    set(CMAKE_SYSTEM_PROCESSOR aarch64)
    set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
    # Every AArch64 board runs this baseline; faster instruction sets are chosen at run time.
    set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-a72 -fno-stack-protector -fno-pie")
    set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none")
    return()
endif()

set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(EK_OBJCOPY arm-none-eabi-objcopy)
if(EK_CORE STREQUAL "cortex-m4")
    set(EK_FPU "-mfpu=fpv4-sp-d16 -mfloat-abi=hard")
elseif(EK_CORE STREQUAL "cortex-m7" OR EK_CORE STREQUAL "cortex-m33")
    set(EK_FPU "-mfpu=fpv5-sp-d16 -mfloat-abi=hard")
elseif(EK_CORE STREQUAL "cortex-m55")
    # The core's name implies its FPU and MVE. No conditional instructions: gas reads a conditional vcvt ("vcvtne") as
    # MVE's vcvtn and refuses it.
    set(EK_FPU "-mfloat-abi=hard -fno-if-conversion -fno-if-conversion2")
else()
    set(EK_FPU "-mfloat-abi=soft")
endif()
string(CONCAT CMAKE_C_FLAGS_INIT
    "-mcpu=${EK_CORE} -mthumb ${EK_FPU} -fomit-frame-pointer -fno-unwind-tables -fno-asynchronous-unwind-tables")
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "-nostdlib -Wl,--gc-sections -Wl,--no-warn-rwx-segments -Wl,--build-id=none")
