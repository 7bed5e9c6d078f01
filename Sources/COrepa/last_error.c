#include "orepa_last_error.h"

#include <string.h>

// A fixed place for each thread: telling that memory ran out takes no memory, and nothing is left to free.
static _Thread_local char last_error[2048];

void orepa_set_last_error(const char *message, size_t count)
{
    size_t kept = count;
    if (kept > sizeof last_error - 1) {
        kept = sizeof last_error - 1;
        // Bytes 10xxxxxx continue a character.
        while (kept > 0 && ((unsigned char)message[kept] & 0xc0) == 0x80)
            kept--;
    }
    if (kept > 0)
        memcpy(last_error, message, kept);
    last_error[kept] = 0;
}

const char *orepa_last_error(void) { return last_error; }
