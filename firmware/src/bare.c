/* The model and nothing else: what the sizes of flash and RAM are taken of. */
#include "ek/model.h"

int main(void);

int main(void)
{
    ek_model_invoke();
    return 0;
}
