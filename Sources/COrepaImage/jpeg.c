#include "COrepaImage.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

struct orepa_jpeg {
    struct jpeg_decompress_struct decompress;
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    orepa_image_error *error;
    int maximum_scans;
    int started;
};

static struct orepa_jpeg *owner(j_common_ptr common) { return common->client_data; }

static _Noreturn void fail(struct orepa_jpeg *jpeg, orepa_image_status status) {
    jpeg->error->status = status;
    longjmp(jpeg->escape, 1);
}

static void format(struct orepa_jpeg *jpeg) {
    char text[JMSG_LENGTH_MAX];
    jpeg->manager.format_message((j_common_ptr)&jpeg->decompress, text);
    snprintf(jpeg->error->message, sizeof jpeg->error->message, "%s", text);
}

static _Noreturn void error_exit(j_common_ptr common) {
    struct orepa_jpeg *jpeg = owner(common);
    format(jpeg);
    switch (common->err->msg_code) {
        case JERR_INPUT_EMPTY:
        case JERR_INPUT_EOF:
            fail(jpeg, OREPA_IMAGE_TRUNCATED);
        case JERR_BAD_PRECISION:
            snprintf(jpeg->error->message, sizeof jpeg->error->message,
                     "%d-bit samples; expected 8-bit", common->err->msg_parm.i[0]);
            fail(jpeg, OREPA_IMAGE_UNSUPPORTED);
        case JERR_SOF_UNSUPPORTED:
            snprintf(jpeg->error->message, sizeof jpeg->error->message,
                     "process 0x%02x (lossless or hierarchical); expected baseline, extended or progressive",
                     common->err->msg_parm.i[0]);
            fail(jpeg, OREPA_IMAGE_UNSUPPORTED);
        case JERR_ARITH_NOTIMPL:
        case JERR_CCIR601_NOTIMPL:
        case JERR_CONVERSION_NOTIMPL:
        case JERR_FRACT_SAMPLE_NOTIMPL:
        case JERR_NOTIMPL:
        case JERR_NOT_COMPILED:
            fail(jpeg, OREPA_IMAGE_UNSUPPORTED);
        case JERR_IMAGE_TOO_BIG:
        case JERR_WIDTH_OVERFLOW:
            fail(jpeg, OREPA_IMAGE_TOO_LARGE);
        case JERR_OUT_OF_MEMORY:
            fail(jpeg, OREPA_IMAGE_OUT_OF_MEMORY);
        default:
            fail(jpeg, OREPA_IMAGE_CORRUPT);
    }
}

/* libjpeg goes on after a warning, with grey where data are missing. Those that mean missing or damaged data are
 * errors here; the others concern oddities that do not touch the pixels. */
static void emit_message(j_common_ptr common, int level) {
    if (level >= 0) return;
    struct orepa_jpeg *jpeg = owner(common);
    switch (common->err->msg_code) {
        case JWRN_ADOBE_XFORM:      /* unknown colour transform: the usual one is taken */
        case JWRN_BOGUS_PROGRESSION: /* scans in an unusual order */
        case JWRN_EXTRANEOUS_DATA:  /* stray bytes before a marker */
        case JWRN_JFIF_MAJOR:
        case JWRN_NOT_SEQUENTIAL:   /* progressive parameters in a sequential scan: ignored */
        case JWRN_TOO_MUCH_DATA:
            return;
        case JWRN_JPEG_EOF:
            format(jpeg);
            fail(jpeg, OREPA_IMAGE_TRUNCATED);
        default:
            format(jpeg);
            fail(jpeg, OREPA_IMAGE_CORRUPT);
    }
}

static void output_message(j_common_ptr common) { (void)common; }

static void progress_monitor(j_common_ptr common) {
    struct orepa_jpeg *jpeg = owner(common);
    if (jpeg->decompress.input_scan_number > jpeg->maximum_scans) {
        fail(jpeg, OREPA_IMAGE_TOO_MANY_SCANS);
    }
}

static uint64_t rounded_up(uint64_t value, int factor) {
    return (value + (uint64_t)factor - 1) / (uint64_t)factor * (uint64_t)factor;
}

static int has_usable_channels(struct orepa_jpeg *jpeg) {
    switch (jpeg->decompress.num_components) {
        case 1:
        case 3:
            jpeg->decompress.out_color_space = JCS_RGB;
            return 1;
        case 4:
            jpeg->decompress.out_color_space = JCS_CMYK;
            return 1;
        default:
            snprintf(jpeg->error->message, sizeof jpeg->error->message,
                     "%d colour components; expected 1, 3 or 4", jpeg->decompress.num_components);
            jpeg->error->status = OREPA_IMAGE_UNSUPPORTED;
            return 0;
    }
}

orepa_jpeg *orepa_jpeg_open(const uint8_t *bytes, size_t count, uint32_t maximum_scans,
                            orepa_jpeg_header *header, orepa_image_error *error) {
    memset(header, 0, sizeof *header);
    memset(error, 0, sizeof *error);
    struct orepa_jpeg *jpeg = calloc(1, sizeof *jpeg);
    if (jpeg == NULL) {
        error->status = OREPA_IMAGE_OUT_OF_MEMORY;
        return NULL;
    }
    jpeg->error = error;
    jpeg->maximum_scans = maximum_scans > INT32_MAX ? INT32_MAX : (int)maximum_scans;
    jpeg->decompress.err = jpeg_std_error(&jpeg->manager);
    jpeg->manager.error_exit = error_exit;
    jpeg->manager.emit_message = emit_message;
    jpeg->manager.output_message = output_message;
    jpeg->decompress.client_data = jpeg;
    if (setjmp(jpeg->escape)) {
        header->width = jpeg->decompress.image_width;
        header->height = jpeg->decompress.image_height;
        orepa_jpeg_close(jpeg);
        return NULL;
    }
    jpeg_create_decompress(&jpeg->decompress);
    jpeg->progress.progress_monitor = progress_monitor;
    jpeg->decompress.progress = &jpeg->progress;
    jpeg_mem_src(&jpeg->decompress, bytes, count);
    jpeg_read_header(&jpeg->decompress, TRUE);
    header->width = jpeg->decompress.image_width;
    header->height = jpeg->decompress.image_height;
    if (!has_usable_channels(jpeg)) {
        orepa_jpeg_close(jpeg);
        return NULL;
    }
    header->channels = jpeg->decompress.num_components == 4 ? 4 : 3;
    if (jpeg_has_multiple_scans(&jpeg->decompress)) {
        for (int i = 0; i < jpeg->decompress.num_components; i++) {
            const jpeg_component_info *component = &jpeg->decompress.comp_info[i];
            header->coefficient_bytes +=
                rounded_up(component->width_in_blocks, component->h_samp_factor) *
                rounded_up(component->height_in_blocks, component->v_samp_factor) * sizeof(JBLOCK);
        }
    }
    return jpeg;
}

orepa_image_status orepa_jpeg_read(orepa_jpeg *jpeg, uint8_t *pixels, uint32_t rows,
                                   orepa_image_error *error) {
    memset(error, 0, sizeof *error);
    jpeg->error = error;
    if (setjmp(jpeg->escape)) return error->status;
    struct jpeg_decompress_struct *decompress = &jpeg->decompress;
    if (!jpeg->started) {
        /* The defaults are Pillow's too: accurate integer DCT, fancy upsampling, block smoothing. */
        jpeg_start_decompress(decompress);
        jpeg->started = 1;
    }
    const size_t stride = (size_t)decompress->output_width * (size_t)decompress->output_components;
    const JDIMENSION first = decompress->output_scanline;
    while (decompress->output_scanline - first < rows &&
           decompress->output_scanline < decompress->output_height) {
        JSAMPROW row = pixels + stride * (decompress->output_scanline - first);
        jpeg_read_scanlines(decompress, &row, 1);
    }
    if (decompress->output_scanline == decompress->output_height) jpeg_finish_decompress(decompress);
    return OREPA_IMAGE_OK;
}

void orepa_jpeg_close(orepa_jpeg *jpeg) {
    if (jpeg == NULL) return;
    jpeg_destroy_decompress(&jpeg->decompress);
    free(jpeg);
}
