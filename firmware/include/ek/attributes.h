/* Compiler attributes, in one place. */
#ifndef EK_ATTRIBUTES_H
#define EK_ATTRIBUTES_H

/* A layer is a function of its own in the image, so that its cost can be told from its neighbours'. */
#if defined(__clang__)
#define EK_LAYER __attribute__((noinline))
#else
#define EK_LAYER __attribute__((noinline, noclone))
#endif

#define EK_INLINE static inline __attribute__((always_inline))
#define EK_ALIGNED(n) __attribute__((aligned(n)))

/* The arena is not cleared at start-up and takes no room in flash. */
#define EK_ARENA_SECTION __attribute__((section(".ek_arena")))

#endif
