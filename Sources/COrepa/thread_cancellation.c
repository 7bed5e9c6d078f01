#include "orepa_thread_cancellation.h"

#include <pthread.h>

int orepa_put_off_thread_cancellation(void)
{
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    return state;
}

void orepa_restore_thread_cancellation(int state) { pthread_setcancelstate(state, &state); }
