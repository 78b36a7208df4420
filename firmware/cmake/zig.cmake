# zig cc: clang, lld and the headers of every target in one download. Its path is -DEK_ZIG=..., zig on PATH, or in the
# ziglang package (pip install ziglang) of the Python on PATH.
include(${CMAKE_CURRENT_LIST_DIR}/board.cmake)

if(NOT EK_ZIG)
    find_program(EK_ZIG zig)
endif()
if(NOT EK_ZIG)
    find_program(EK_PYTHON NAMES python3 python)
    if(EK_PYTHON)
        execute_process(
            COMMAND ${EK_PYTHON} -c "import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), 'zig'))"
            OUTPUT_VARIABLE EK_ZIG OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
    if(NOT EK_ZIG)
        message(FATAL_ERROR "zig was not found: pip install ziglang, or give its path with -DEK_ZIG=...")
    endif()
    set(EK_ZIG ${EK_ZIG} CACHE FILEPATH "The zig compiler" FORCE)
endif()
set(CMAKE_C_COMPILER ${EK_ZIG} cc)

# CMake's own check links a program with zig's run-time library, which takes a minute to compile the first time.
set(CMAKE_C_COMPILER_FORCED TRUE)
set(CMAKE_C_COMPILER_ID_RUN TRUE)
set(CMAKE_C_COMPILER_ID Clang)
set(CMAKE_C_COMPILER_VERSION 20)
set(CMAKE_C_STANDARD_COMPUTED_DEFAULT 17)
set(CMAKE_C_EXTENSIONS_COMPUTED_DEFAULT ON)
set(CMAKE_DEPFILE_FLAGS_C "-MD -MT <DEP_TARGET> -MF <DEP_FILE>")
set(CMAKE_C_DEPFILE_FORMAT gcc)
set(CMAKE_C_DEPENDS_USE_COMPILER TRUE)

set(EK_OBJCOPY ${EK_ZIG} objcopy)
set(EK_HEX hex)
set(EK_NO_BUILTIN -fno-builtin)
set(EK_OWN_ARITHMETIC TRUE) # firmware/src/arith.c and float32.c stand for zig's run-time library

# Linux programs do without a C library, which zig would compile for a minute; port linux has all they need.
set(EK_LINUX "-g0 -fhosted -fno-stack-protector -fno-pic")
set(EK_LINUX_LINK "-nostdlib -static -Wl,--gc-sections")

if(EK_CORE STREQUAL "host")
    set(CMAKE_C_FLAGS_INIT -g0)
    if(CMAKE_HOST_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_HOST_SYSTEM_PROCESSOR MATCHES "^(x86_64|aarch64)$")
        set(EK_PORT linux)
        set(CMAKE_C_FLAGS_INIT "-target ${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-musl ${EK_LINUX}")
        set(CMAKE_EXE_LINKER_FLAGS_INIT ${EK_LINUX_LINK})
    endif()
    return()
endif()

set(CMAKE_SYSTEM_NAME Generic)
if(EK_CORE MATCHES "^cortex-a")
    set(CMAKE_SYSTEM_PROCESSOR aarch64)
    # Every AArch64 board runs this baseline; faster instruction sets are chosen at run time.
    set(CMAKE_C_FLAGS_INIT "-target aarch64-linux-musl -mcpu=cortex_a72 ${EK_LINUX}")
    set(CMAKE_EXE_LINKER_FLAGS_INIT ${EK_LINUX_LINK})
    return()
endif()

set(CMAKE_SYSTEM_PROCESSOR arm)
set(EK_ABI eabihf)
if(EK_CORE STREQUAL "cortex-m0plus")
    set(EK_ABI eabi)
    set(EK_CPU cortex_m0plus)
elseif(EK_CORE STREQUAL "cortex-m3")
    set(EK_ABI eabi)
    set(EK_CPU cortex_m3)
elseif(EK_CORE STREQUAL "cortex-m4")
    set(EK_CPU cortex_m4+vfp4d16sp) # zig's cores come without their FPU
elseif(EK_CORE STREQUAL "cortex-m7")
    set(EK_CPU cortex_m7+fp_armv8d16sp) # single precision, which every M7 with an FPU has
elseif(EK_CORE STREQUAL "cortex-m33")
    set(EK_CPU cortex_m33+dsp+fp_armv8d16sp)
elseif(EK_CORE STREQUAL "cortex-m55")
    set(EK_CPU cortex_m55+mve+mve_fp)
else()
    message(FATAL_ERROR "no zig flags for core '${EK_CORE}'")
endif()
# -fhosted: zig compiles freestanding targets with -ffreestanding, which makes every memcpy of four bytes a call.
string(CONCAT CMAKE_C_FLAGS_INIT
    "-target thumb-freestanding-${EK_ABI} -mcpu=${EK_CPU} -g0 -fhosted -fomit-frame-pointer -mframe-chain=none "
    "-fno-unwind-tables -fno-asynchronous-unwind-tables -fno-stack-protector")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostdlib -Wl,-e,Reset_Handler -Wl,--gc-sections")
