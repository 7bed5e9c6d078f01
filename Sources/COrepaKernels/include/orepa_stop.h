// How long work is ended early.
#ifndef OREPA_STOP_H
#define OREPA_STOP_H

#include <stdbool.h>
#include <stddef.h>

// Asked now and then by work that may take long, some milliseconds apart at most, on the thread that does it. Once it
// says so the work returns as soon as it can; what it was to write has no meaning then.
typedef struct {
    bool (*is_reached)(void *context);
    void *context;
} orepa_stop;

// NULL never stops.
static inline bool orepa_is_stopped(const orepa_stop *stop)
{
    return stop && stop->is_reached(stop->context);
}

#endif
