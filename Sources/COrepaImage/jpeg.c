#include "COrepaImage.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* Pillow hands a file to libjpeg in blocks of this size, and libjpeg suspends where one ends. Which damaged files give
 * a picture depends on it: one without an end marker does, if all rows came out before the data ended. */
enum { BLOCK = 65536 };

struct orepa_jpeg {
    struct jpeg_decompress_struct decompress;
    struct jpeg_error_mgr manager;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    orepa_image_error *error;
    orepa_image_check check;
    orepa_jpeg_damage damage;
    const uint8_t *bytes;
    size_t count;
    /* Bytes that libjpeg may look at so far. */
    size_t loaded;
    /* Bytes behind them that it asked to pass over. */
    size_t skip;
    uint64_t maximum_scanned_samples;
    uint64_t scanned_samples;
    int maximum_scans;
    int scan;
};

static struct orepa_jpeg *owner(j_common_ptr common) { return common->client_data; }

static _Noreturn void fail(struct orepa_jpeg *jpeg, orepa_image_status status) {
    jpeg->error->status = status;
    longjmp(jpeg->escape, 1);
}

static _Noreturn void fail_saying(struct orepa_jpeg *jpeg, orepa_image_status status,
                                  const char *message) {
    snprintf(jpeg->error->message, sizeof jpeg->error->message, "%s", message);
    fail(jpeg, status);
}

static void format(struct orepa_jpeg *jpeg, char message[256]) {
    char text[JMSG_LENGTH_MAX];
    jpeg->manager.format_message((j_common_ptr)&jpeg->decompress, text);
    snprintf(message, 256, "%s", text);
}

static _Noreturn void error_exit(j_common_ptr common) {
    struct orepa_jpeg *jpeg = owner(common);
    format(jpeg, jpeg->error->message);
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
        case JERR_CANT_SUSPEND:
            fail_saying(jpeg, OREPA_IMAGE_UNSUPPORTED,
                        "arithmetic coding in more than 65536 bytes, which Pillow does not read either");
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

/* libjpeg goes on after a warning, with grey where data are missing. */
static void emit_message(j_common_ptr common, int level) {
    if (level >= 0) return;
    struct orepa_jpeg *jpeg = owner(common);
    if (jpeg->damage.warning_count++ == 0) format(jpeg, jpeg->damage.warning);
}

static void output_message(j_common_ptr common) { (void)common; }

static void check(struct orepa_jpeg *jpeg) {
    if (jpeg->check.is_interrupted != NULL && jpeg->check.is_interrupted(jpeg->check.context)) {
        fail(jpeg, OREPA_IMAGE_INTERRUPTED);
    }
}

/* Called for each row of blocks while scans are read ahead, and for each row of pixels. */
static void progress_monitor(j_common_ptr common) {
    struct orepa_jpeg *jpeg = owner(common);
    struct jpeg_decompress_struct *decompress = &jpeg->decompress;
    check(jpeg);
    if (decompress->input_scan_number == jpeg->scan) return;
    jpeg->scan = decompress->input_scan_number;
    if (jpeg->scan > jpeg->maximum_scans) fail(jpeg, OREPA_IMAGE_TOO_MANY_SCANS);
    for (int i = 0; i < decompress->comps_in_scan; i++) {
        const jpeg_component_info *component = decompress->cur_comp_info[i];
        jpeg->scanned_samples +=
            (uint64_t)component->width_in_blocks * component->height_in_blocks * DCTSIZE2;
    }
    if (jpeg->scanned_samples > jpeg->maximum_scanned_samples) {
        fail(jpeg, OREPA_IMAGE_TOO_MANY_SCANNED_SAMPLES);
    }
}

static void do_nothing(j_decompress_ptr decompress) { (void)decompress; }

static boolean suspend(j_decompress_ptr decompress) {
    (void)decompress;
    return FALSE;
}

static void skip_input_data(j_decompress_ptr decompress, long count) {
    struct orepa_jpeg *jpeg = owner((j_common_ptr)decompress);
    if (count <= 0) return;
    size_t bytes = (size_t)count;
    const size_t there = jpeg->source.bytes_in_buffer;
    if (bytes > there) {
        jpeg->skip = bytes - there;
        bytes = there;
    }
    jpeg->source.next_input_byte += bytes;
    jpeg->source.bytes_in_buffer -= bytes;
}

/* Lets libjpeg look at the next block. Returns 0 where there is none. */
static int load(struct orepa_jpeg *jpeg) {
    do {
        check(jpeg);
        const size_t rest = jpeg->count - jpeg->loaded;
        if (rest == 0) return 0;
        jpeg->loaded += rest < BLOCK ? rest : BLOCK;
        jpeg->source.bytes_in_buffer =
            (size_t)(jpeg->bytes + jpeg->loaded - jpeg->source.next_input_byte);
        const size_t skip = jpeg->skip;
        jpeg->skip = 0;
        skip_input_data(&jpeg->decompress, (long)skip);
    } while (jpeg->skip > 0);
    return 1;
}

static void load_or_fail(struct orepa_jpeg *jpeg) {
    if (!load(jpeg)) fail_saying(jpeg, OREPA_IMAGE_TRUNCATED, "unexpected end of the data");
}

static uint64_t rounded_up(uint64_t value, int factor) {
    return (value + (uint64_t)factor - 1) / (uint64_t)factor * (uint64_t)factor;
}

static void choose_colours(struct orepa_jpeg *jpeg) {
    switch (jpeg->decompress.num_components) {
        case 1:
        case 3:
            jpeg->decompress.out_color_space = JCS_RGB;
            break;
        case 4:
            jpeg->decompress.out_color_space = JCS_CMYK;
            break;
        default:
            snprintf(jpeg->error->message, sizeof jpeg->error->message,
                     "%d colour components; expected 1, 3 or 4", jpeg->decompress.num_components);
            fail(jpeg, OREPA_IMAGE_UNSUPPORTED);
    }
}

static void read_header(struct orepa_jpeg *jpeg, orepa_jpeg_header *header) {
    struct jpeg_decompress_struct *decompress = &jpeg->decompress;
    int result;
    /* Streams of tables alone may come first. */
    while ((result = jpeg_read_header(decompress, FALSE)) != JPEG_HEADER_OK) {
        if (result == JPEG_SUSPENDED) load_or_fail(jpeg);
    }
    header->width = decompress->image_width;
    header->height = decompress->image_height;
    choose_colours(jpeg);
    if (!jpeg_has_multiple_scans(decompress)) return;
    for (int i = 0; i < decompress->num_components; i++) {
        const jpeg_component_info *component = &decompress->comp_info[i];
        header->coefficient_bytes +=
            rounded_up(component->width_in_blocks, component->h_samp_factor) *
            rounded_up(component->height_in_blocks, component->v_samp_factor) * sizeof(JBLOCK);
    }
}

orepa_jpeg *orepa_jpeg_open(const uint8_t *bytes, size_t count, orepa_jpeg_limits limits,
                            orepa_image_check check, orepa_jpeg_header *header,
                            orepa_image_error *error) {
    memset(header, 0, sizeof *header);
    memset(error, 0, sizeof *error);
    struct orepa_jpeg *jpeg = calloc(1, sizeof *jpeg);
    if (jpeg == NULL) {
        error->status = OREPA_IMAGE_OUT_OF_MEMORY;
        return NULL;
    }
    jpeg->error = error;
    jpeg->check = check;
    jpeg->bytes = bytes;
    jpeg->count = count;
    jpeg->maximum_scans = limits.scans > INT32_MAX ? INT32_MAX : (int)limits.scans;
    jpeg->maximum_scanned_samples = limits.scanned_samples;
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
    jpeg->source.init_source = do_nothing;
    jpeg->source.fill_input_buffer = suspend;
    jpeg->source.skip_input_data = skip_input_data;
    jpeg->source.resync_to_restart = jpeg_resync_to_restart;
    jpeg->source.term_source = do_nothing;
    jpeg->source.next_input_byte = bytes;
    jpeg->decompress.src = &jpeg->source;
    load_or_fail(jpeg);
    read_header(jpeg, header);
    return jpeg;
}

/* A row of CMYK, inverted as Adobe stores it, as red, green and blue in the way of Pillow: with the samples as stored,
 * red is c * k / 255 in the rounding of its Convert.c. */
static void convert_cmyk(const uint8_t *input, uint8_t *output, size_t width) {
    for (size_t x = 0; x < width; x++) {
        const int black = input[4 * x + 3];
        for (int channel = 0; channel < 3; channel++) {
            const int product = (255 - input[4 * x + (size_t)channel]) * black + 128;
            const int ink = ((product >> 8) + product) >> 8;
            const int value = black - ink;
            output[3 * x + (size_t)channel] = (uint8_t)(value < 0 ? 0 : value);
        }
    }
}

/* Whether scans of a progressive image are missing, so that bits of coefficients are not known. */
static bool is_incomplete(const struct jpeg_decompress_struct *decompress) {
    if (!decompress->progressive_mode || decompress->coef_bits == NULL) return false;
    for (int component = 0; component < decompress->num_components; component++) {
        for (int i = 0; i < DCTSIZE2; i++) {
            if (decompress->coef_bits[component][i] != 0) return true;
        }
    }
    return false;
}

static void read_rows(struct orepa_jpeg *jpeg, uint8_t *pixels) {
    struct jpeg_decompress_struct *decompress = &jpeg->decompress;
    /* The defaults are Pillow's too: accurate integer DCT, fancy upsampling, block smoothing. */
    while (!jpeg_start_decompress(decompress)) load_or_fail(jpeg);
    jpeg->damage.is_incomplete = is_incomplete(decompress);
    const size_t width = decompress->output_width;
    /* libjpeg's memory: it is freed with the rest whatever happens. */
    JSAMPARRAY cmyk = NULL;
    if (decompress->output_components == 4) {
        cmyk = decompress->mem->alloc_sarray((j_common_ptr)decompress, JPOOL_IMAGE,
                                             (JDIMENSION)width * 4, 1);
    }
    while (decompress->output_scanline < decompress->output_height) {
        uint8_t *target = pixels + width * 3 * decompress->output_scanline;
        JSAMPROW row = cmyk == NULL ? target : cmyk[0];
        if (jpeg_read_scanlines(decompress, &row, 1) == 0) {
            load_or_fail(jpeg);
        } else if (cmyk != NULL) {
            convert_cmyk(row, target, width);
        }
    }
}

/* Whether a marker begins a frame that libjpeg decodes, of which libjpeg-turbo 3 allows one. */
static bool is_frame(int marker) {
    switch (marker) {
        case 0xC0:
        case 0xC1:
        case 0xC2:
        case 0xC3:
        case 0xC9:
        case 0xCA:
        case 0xCB:
            return true;
        default:
            return false;
    }
}

/* What follows the last row, of which Pillow looks at what the present block has: an error there is one. libjpeg-turbo
 * 3 refuses a second frame at its marker; older ones wait for the frame's header, which may not be there. */
static int read_end(struct orepa_jpeg *jpeg) {
    if (jpeg_finish_decompress(&jpeg->decompress)) return 1;
    if (is_frame(jpeg->decompress.unread_marker)) {
        fail_saying(jpeg, OREPA_IMAGE_CORRUPT, "Invalid JPEG file structure: two SOF markers");
    }
    return 0;
}

/* Looks for the end marker in later blocks. Whatever is wrong there is damage, not an error. */
static void look_for_end(struct orepa_jpeg *jpeg) {
    orepa_image_error ignored = {0};
    orepa_image_error *error = jpeg->error;
    jpeg->error = &ignored;
    if (setjmp(jpeg->escape)) {
        jpeg->error = error;
        jpeg->damage.has_no_end = true;
        if (ignored.status == OREPA_IMAGE_INTERRUPTED) error->status = OREPA_IMAGE_INTERRUPTED;
        return;
    }
    while (!jpeg_finish_decompress(&jpeg->decompress)) {
        if (!load(jpeg)) {
            jpeg->damage.has_no_end = true;
            break;
        }
    }
    jpeg->error = error;
}

orepa_image_status orepa_jpeg_read(orepa_jpeg *jpeg, uint8_t *pixels, orepa_jpeg_damage *damage,
                                   orepa_image_error *error) {
    memset(error, 0, sizeof *error);
    memset(damage, 0, sizeof *damage);
    jpeg->error = error;
    if (setjmp(jpeg->escape)) return error->status;
    read_rows(jpeg, pixels);
    if (!read_end(jpeg)) look_for_end(jpeg);
    *damage = jpeg->damage;
    return error->status;
}

void orepa_jpeg_close(orepa_jpeg *jpeg) {
    if (jpeg == NULL) return;
    jpeg_destroy_decompress(&jpeg->decompress);
    free(jpeg);
}
