/* An image of the model alone: what it needs of flash and RAM without the bench harness. */
#include "ek/model.h"
#include "ek/port.h"

int main(void)
{
    ek_port_init();
    for (;;) {
        ek_model_invoke();
    }
}
