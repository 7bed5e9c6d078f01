#include "COrepaImage.h"

#include <stdio.h>

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

/* libjpeg-turbo cannot be asked for its version. Since version 3 it has this function. */
extern void jpeg12_read_scanlines(void) __attribute__((weak));

bool orepa_jpeg_is_version_3(void) { return jpeg12_read_scanlines != NULL; }

void orepa_image_libraries(char *text, size_t size) {
    const bool is_version_3 = orepa_jpeg_is_version_3();
#ifdef LIBJPEG_TURBO_VERSION
    const bool was_version_3 = LIBJPEG_TURBO_VERSION_NUMBER >= 3000000;
    const char *jpeg = is_version_3 == was_version_3 ? "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION)
                       : is_version_3                ? "libjpeg-turbo 3 or later"
                                                     : "libjpeg-turbo before 3";
#else
    const char *jpeg = is_version_3 ? "libjpeg-turbo 3 or later" : "libjpeg";
#endif
    snprintf(text, size, "%s, zlib %s, libpng %s", jpeg, zlibVersion(), png_get_libpng_ver(NULL));
}
