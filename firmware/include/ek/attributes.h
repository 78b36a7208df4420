/* Compiler attributes, in one place. */
#ifndef EK_ATTRIBUTES_H
#define EK_ATTRIBUTES_H

/* A layer is a function of its own in the image, so that its cost can be told from its neighbours'. Callers of layers
 * and kernels may conclude nothing from their bodies: gcc 12 for Arm takes some loops that write through a pointer
 * (those whose address it works out from the distance to another pointer) for pure and leaves their calls out. */
#if defined(__clang__)
#define EK_LAYER __attribute__((noinline))
#define EK_KERNEL
#else
#define EK_LAYER __attribute__((noipa))
#define EK_KERNEL __attribute__((noipa))
#endif

#define EK_INLINE static inline __attribute__((always_inline))
#define EK_ALIGNED(n) __attribute__((aligned(n)))

/* The arena is not cleared at start-up and takes no room in flash. */
#define EK_ARENA_SECTION __attribute__((section(".ek_arena")))

#endif
