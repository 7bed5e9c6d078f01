/*
 * orepa: image classifiers with folded training blocks, on CPUs. The C interface of liborepa.so.
 *
 *     #include <orepa.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         const orepa_api *orepa = orepa_get_api(OREPA_API_VERSION);
 *         orepa_model *model = NULL;
 *         orepa_answers *answers = NULL;
 *         orepa_prediction best = OREPA_PREDICTION;
 *         size_t count = 1;
 *         orepa_picture picture = orepa_picture_file("boot.jpg");
 *         if (orepa->model_load("model.safetensors", NULL, &model) ||
 *             orepa->run(model, &picture, 1, NULL, &answers) ||
 *             orepa->answers_top(answers, 0, &best, &count)) {
 *             fprintf(stderr, "%s\n", orepa->last_error());
 *             return 1;
 *         }
 *         printf("%s %.2f %%\n", best.label ? best.label : "?", 100 * best.probability);
 *         orepa->answers_free(answers);
 *         orepa->model_free(model);
 *         return 0;
 *     }
 *
 * The library exports one symbol, orepa_get_api. All else is reached through the table that it returns.
 *
 * Results. A function that can fail returns an orepa_status, OREPA_OK (0) when all is well; last_error then says
 * in a sentence what was expected and what was found. A function that fails writes nothing to where its results
 * go, except that it sets the pointer to a new handle to NULL.
 *
 * Threads. All functions may be called from any thread. A model is immutable: any number of threads may use the same
 * one together, without a lock; so they may answers, pools and cancellations. Only freeing is the caller's to order: no
 * function may be given a handle that another thread is freeing or has freed. What happens then is undefined, as it
 * is for a pointer that is no handle, or for memory that is smaller than its count says.
 *
 * Ownership. What a caller passes in is borrowed until the function returns, never kept and never freed, unless the
 * function's comment says otherwise. Handles (orepa_model, orepa_answers, orepa_pool, orepa_cancellation) belong to
 * the caller from the function that makes one to the one that frees it; each kind has its own, which does nothing with
 * NULL. Other pointers that the library gives belong to the library: they are never freed, and each comment says how
 * long they are valid.
 *
 * Strings are UTF-8 and end with a zero byte. Paths are what the system takes, any bytes but zero; messages spell those
 * that are not UTF-8 as \xE9.
 *
 * Structs begin with their own size, which the caller sets to sizeof: each has an initialiser, a macro named as the
 * struct, in which every field has its default. A field that is zero has its default everywhere. A struct may grow at
 * its end in a later version of the library: a shorter one counts as if it went on with zeros, and of a longer one the
 * part that this library does not know has to be zero, or the call fails with OREPA_UNSUPPORTED.
 *
 * Memory. What the system refuses is OREPA_OUT_OF_MEMORY, never the end of the process. model_load and each call that
 * allocates begin by taking and giving back a margin of 2 MiB of heap and 256 KiB of stack, untouched, for what is
 * small, and refuse where it is not there; that takes some microseconds. A call needs 56 KiB of stack.
 *
 * Ending early. A deadline and a cancellation are looked at some milliseconds apart. No call waits for another. A thread
 * for which pthread_cancel is called inside a function of the table goes on to the function's end before it is
 * cancelled.
 *
 * Arithmetic. Rounding modes, the treatment of denormal numbers, traps and exception flags of the calling thread are as
 * before when a function returns, and change no bit of what it gives: any of them may be set.
 *
 * Processes. Before a model or a pool is made, the library starts no threads; the system may refuse threads, and the
 * log is told. It installs no signal handlers, blocks all signals on its own threads, leaves the locale alone, prints
 * nothing, and opens files so that they are closed when the process executes another program. After fork the child may
 * use the models that it inherits, and has new threads with its first call. The library stays loaded after dlclose.
 * docs/hosts.md names the system calls that a sandbox has to allow: sched_setaffinity may fail, but where it ends the
 * process take OREPA_THREADS_CALLER or OREPA_THREADS_PARALLEL_FOR.
 *
 * Callbacks return normally: they neither throw exceptions through the library nor leave it by longjmp.
 */
#ifndef OREPA_H
#define OREPA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the table of functions that this header describes. */
#define OREPA_API_VERSION 1

/* Status codes. The numbers never change their meaning; later versions may add some. */
typedef int32_t orepa_status;

/* All is well. */
#define OREPA_OK 0
/* There is no file at the path. */
#define OREPA_NOT_FOUND 1
/* The file is there, and the system does not let it be read, or it is no regular file. */
#define OREPA_NOT_READABLE 2
/* The file is no deployed model that this library runs, or it is damaged. */
#define OREPA_INVALID_MODEL 3
/* On this machine the network does not compute, to the bit, what it did when its file was written. */
#define OREPA_PROBE_FAILED 4
/* The bytes are no JPEG or PNG that can be decoded within the limits. */
#define OREPA_INVALID_IMAGE 5
/* The caller's fault: NULL, a size that does not fit, a number out of its range, an unknown name or choice. */
#define OREPA_INVALID_ARGUMENT 6
/* The system refused memory. */
#define OREPA_OUT_OF_MEMORY 7
/* The time that the call was given had passed before it was done. */
#define OREPA_DEADLINE_EXCEEDED 8
/* The call's orepa_cancellation was cancelled before it was done. */
#define OREPA_CANCELLED 9
/* The network's output is NaN or infinite, so that no class can be named. */
#define OREPA_NOT_FINITE 10
/* The environment variable OREPA_ISA has a value that means nothing. */
#define OREPA_INVALID_ENVIRONMENT 11
/* A struct has a field, not zero, that only a newer library knows. */
#define OREPA_UNSUPPORTED 100

/* Which algorithms may compute the network. */
/* Any: the fastest. Rounding errors of 3x3 convolutions are about ten times as large. */
#define OREPA_NUMERICS_FAST 0
/* Direct sums only. */
#define OREPA_NUMERICS_STRICT 1

/* What is done with weights in the form that the kernels read. All give the same bits. */
/* Kept: the fastest for all but a few pictures. The model's file may change or go once the model is made. */
#define OREPA_MEMORY_FAST 0
/* Made anew for each layer each time: little memory, and the first picture is answered sooner. */
#define OREPA_MEMORY_SMALL 1
/* Used where the model's file holds them, shared by all processes that do so. Whoever truncates the file while the
 * model is there kills the process (SIGBUS); whoever overwrites it changes the answers. Replacing it by rename is
 * harmless. As OREPA_MEMORY_FAST for a model made from memory. */
#define OREPA_MEMORY_MAPPED 2

/* On which threads a model runs. The bits of the answers do not depend on it. */
/* A pool of the model's own. */
#define OREPA_THREADS_OWN 0
/* A pool that several models share. */
#define OREPA_THREADS_SHARED 1
/* The calling thread only. */
#define OREPA_THREADS_CALLER 2
/* The caller's own loop over threads. */
#define OREPA_THREADS_PARALLEL_FOR 3

/* How much a message matters. */
/* What happened. */
#define OREPA_LOG_INFO 0
/* Something that was asked for is done in another way. */
#define OREPA_LOG_WARNING 1

/* What an orepa_picture is. */
/* A JPEG or PNG file, by path. */
#define OREPA_PICTURE_FILE 1
/* The bytes of a JPEG or PNG file. */
#define OREPA_PICTURE_ENCODED 2
/* 8-bit pixels. */
#define OREPA_PICTURE_PIXELS 3
/* The network's input: resized, cropped and normalised by the caller. */
#define OREPA_PICTURE_TENSOR 4

/* Order of the channels of a pixel, one byte each. Alpha is dropped. A network of one channel is given the grey of
 * colours, (19595 red + 38470 green + 7471 blue + 32768) / 65536, as Pillow makes it; one of other channels than 1 or 3
 * takes tensors only. */
#define OREPA_ORDER_RGB 0
#define OREPA_ORDER_BGR 1
#define OREPA_ORDER_RGBA 2
#define OREPA_ORDER_BGRA 3
/* One byte, for all three channels, or as it is where the network takes one. */
#define OREPA_ORDER_GREY 4

/* What becomes of the samples of a PNG of 16-bit grey without alpha. All other samples of 16 bits are reduced to their
 * high byte. */
/* Their high byte. The answer has a warning, since Pillow does otherwise. */
#define OREPA_PNG16_HIGH 0
/* What Pillow makes of them: 255 of all that is larger. */
#define OREPA_PNG16_PILLOW 1

/* A deployed model, ready to run. */
typedef struct orepa_model orepa_model;
/* What a call found out about its pictures. Immutable. */
typedef struct orepa_answers orepa_answers;
/* Threads that models share. */
typedef struct orepa_pool orepa_pool;
/* Stops calls from another thread. */
typedef struct orepa_cancellation orepa_cancellation;

/* Takes a message. Called on any thread, also on several at a time, and never after the model has been freed.
 * `message` is valid during the call; `context` is orepa_model_options.log_context. */
typedef void (*orepa_log)(void *context, int32_t level, const char *message);

/* One turn of a loop. */
typedef void (*orepa_loop_body)(void *body_context, size_t item);

/* Calls body(body_context, item) once for each item in 0 ... item_count - 1, in any order, on any threads, also one
 * after the other, and returns when all these calls have returned. `item_count` is at most
 * orepa_model_options.thread_count; `context` is orepa_model_options.parallel_for_context. Called a few times for each
 * layer, or once for a few pictures of a batch, by the thread that runs the model, so by several threads at a time if
 * several do. `body` and `body_context` are valid until the function returns. */
typedef void (*orepa_parallel_for)(
    void *context, size_t item_count, orepa_loop_body body, void *body_context);

/* How a model is made. */
typedef struct orepa_model_options {
    size_t size;
    /* OREPA_NUMERICS_... */
    int32_t numerics;
    /* OREPA_MEMORY_... */
    int32_t memory;
    /* OREPA_THREADS_... */
    int32_t threads;
    /* OREPA_THREADS_OWN: how many, the calling thread included; 0: one for each available processor.
     * OREPA_THREADS_PARALLEL_FOR: how many turns a loop has at most; at least 1. Otherwise 0. At most 4096. */
    int32_t thread_count;
    /* OREPA_THREADS_SHARED: the pool, which may be freed once the model is made. Otherwise NULL. */
    orepa_pool *pool;
    /* OREPA_THREADS_PARALLEL_FOR: the loop, and what it is called with. Both have to stay valid until the model and
     * all answers have been freed and no call runs. Otherwise NULL. */
    orepa_parallel_for parallel_for;
    void *parallel_for_context;
    /* Height and width of the network's input, in pixels; 0 and 0: what the model was made for. For networks that are
     * the backbone of another task. Pictures are then resized in proportion: their shorter side to resize / crop of
     * the model's preprocessing times the longer of these two, rounded down. */
    int32_t input_height;
    int32_t input_width;
    /* Does not run the probe that the model's file keeps, a picture with its logits: the proof that what runs here is
     * what was verified, to the bit. */
    bool skip_probe;
    /* Turns pictures the way their EXIF orientation asks for. */
    bool exif_orientation;
    /* What a picture may cost, looked at before memory for it is taken; 0: the default. Pixels of the decoded or
     * resized picture (178,956,970), bytes of its pixels and the decoder's coefficients together (2^30), scans of a
     * JPEG (100). As many bytes may be taken by what all calls of the process decode at a time, where who needs more
     * waits, and, beside that, by the contents of each file and by each copy of raw pixels: docs/hosts.md tells of how
     * many at a time. */
    size_t maximum_pixels;
    size_t maximum_image_memory;
    size_t maximum_jpeg_scans;
    /* Takes the library's messages, with this context, both valid until the model has been freed; or NULL. */
    orepa_log log;
    void *log_context;
    /* Uses the packed weights that the model's file holds. Nothing compares them with the plain ones, and a probe may have
     * been made with them: for files of one's own, or that `orepa-infer verify` has passed. Otherwise weights are packed
     * anew, also with OREPA_MEMORY_MAPPED. */
    bool trust_packed_weights;
    /* What the model may cost, looked at before memory is taken; more is OREPA_INVALID_MODEL. 0: the default. Multiply-adds
     * of a picture (10^12); bytes of its weights, feature maps and room to calculate together, of its file where that is
     * read, where more is OREPA_NOT_READABLE, and of the answers of one call, where it is OREPA_INVALID_ARGUMENT (2^33). */
    uint64_t maximum_multiply_adds;
    size_t maximum_model_memory;
    /* After how many nanoseconds making the model gives up, with OREPA_DEADLINE_EXCEEDED: the clock is looked at while
     * the file is read or its bytes are copied, weights are packed and the probe runs. 0: never. */
    int64_t load_timeout_nanoseconds;
    /* Makes it give up, with OREPA_CANCELLED; or NULL. Has to stay until the model is made. */
    const orepa_cancellation *load_cancellation;
    /* Most samples of a JPEG in several scans, added up over all of them; 0: the default, 2,000,000,000. */
    size_t maximum_jpeg_scanned_samples;
    /* OREPA_PNG16_... */
    int32_t png16;
    /* Makes an error of damaged files that Pillow reads; else they are answered, with a warning. */
    bool strict_pictures;
} orepa_model_options;

#define OREPA_MODEL_OPTIONS \
    { sizeof(orepa_model_options), 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, false, false, 0, 0, 0, NULL, NULL, false, 0, 0, 0, NULL, 0, 0, \
      false }

/* What a model is. */
typedef struct orepa_model_info {
    size_t size;
    /* Number of classes, which is the number of logits of a picture. */
    size_t class_count;
    /* The network's input for one picture, Float32 [channels, height, width]. */
    size_t input_channels;
    size_t input_height;
    size_t input_width;
    /* Number of values before the linear layer. */
    size_t feature_count;
    /* Number of stages whose feature maps can be asked for. */
    size_t stage_count;
    /* How many threads run a call at most, the calling one included. */
    size_t thread_count;
    /* OREPA_NUMERICS_... and OREPA_MEMORY_..., the latter OREPA_MEMORY_MAPPED only if it is so. */
    int32_t numerics;
    int32_t memory;
    /* "avx512", "avx2" or "portable". Valid until the process ends. */
    const char *instruction_set;
    /* Whether classes have names. */
    bool has_labels;
} orepa_model_info;

#define OREPA_MODEL_INFO { sizeof(orepa_model_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, false }

/* A stage of a network: a run of blocks of one resolution. */
typedef struct orepa_stage {
    size_t size;
    /* Valid until the model has been freed. */
    const char *name;
    /* Its feature map of one picture, Float32 [channels, height, width]. */
    size_t channels;
    size_t height;
    size_t width;
} orepa_stage;

#define OREPA_STAGE { sizeof(orepa_stage), NULL, 0, 0, 0 }

/* Bytes of memory that a model takes, beside what decoding a picture does for a while. */
typedef struct orepa_memory_requirement {
    size_t size;
    /* Weights in the form that the kernels read, once for all calls; 0 where they are used in the file or made for
     * each call. */
    size_t weights;
    /* For each call that overlaps with others: feature maps and room to calculate. Kept for later calls until
     * model_trim. */
    size_t per_context;
} orepa_memory_requirement;

#define OREPA_MEMORY_REQUIREMENT { sizeof(orepa_memory_requirement), 0, 0 }

/* A picture. Best made by the functions orepa_picture_... below. In an array all have the same `size`. */
typedef struct orepa_picture {
    size_t size;
    /* OREPA_PICTURE_... */
    int32_t kind;
    /* OREPA_PICTURE_PIXELS: OREPA_ORDER_... Otherwise 0. */
    int32_t order;
    /* OREPA_PICTURE_FILE: where it is. Otherwise NULL. */
    const char *path;
    /* The others: the bytes, pixels (rows from the top) or Float32 values ([channels, height, width], aligned to
     * four bytes, all finite). Read until the call returns. */
    const void *data;
    /* How many bytes are there. */
    size_t data_size;
    /* OREPA_PICTURE_PIXELS: columns, rows, and the distance of rows in bytes, at least what a row of pixels takes; 0:
     * just that. The last row need not be followed by anything. Otherwise 0. */
    size_t width;
    size_t height;
    size_t bytes_per_row;
} orepa_picture;

#define OREPA_PICTURE { sizeof(orepa_picture), 0, 0, NULL, NULL, 0, 0, 0, 0 }

/* What a call is to find out, and how long it may take. */
typedef struct orepa_run_options {
    size_t size;
    /* Whether to keep the values before the linear layer. */
    bool features;
    /* Names of the stages whose feature maps to keep, `stage_count` of them. NULL if that is 0. */
    const char *const *stages;
    size_t stage_count;
    /* After how many nanoseconds from the start of the call it gives up, with OREPA_DEADLINE_EXCEEDED: it looks at the
     * clock some milliseconds apart, while pictures are read, copied, decoded and scaled, and inside of layers.
     * 0: never. Negative is OREPA_INVALID_ARGUMENT. */
    int64_t timeout_nanoseconds;
    /* Makes the call give up, with OREPA_CANCELLED; or NULL. Has to stay until the call has returned. */
    const orepa_cancellation *cancellation;
} orepa_run_options;

#define OREPA_RUN_OPTIONS { sizeof(orepa_run_options), false, NULL, 0, 0, NULL }

/* One class in the answer about a picture. */
typedef struct orepa_prediction {
    size_t size;
    /* Place of the class in the logits, from 0. */
    size_t index;
    /* Name of the class, or NULL when the model has no labels. Valid until the answers have been freed. */
    const char *label;
    /* Softmax of the logits, 0 ... 1, computed in double precision and rounded once: the same bits everywhere. Of a
     * network of one logit its logistic sigmoid, the probability that what it tells is so. */
    float probability;
    /* The network's output as it is. */
    float logit;
} orepa_prediction;

#define OREPA_PREDICTION { sizeof(orepa_prediction), 0, NULL, 0, 0 }

/* Values that belong to the answers: valid until those have been freed. */
typedef struct orepa_values {
    size_t size;
    /* Float32 [channels, height, width], row-major: `count` values. Logits and features have height and width 1. */
    const float *values;
    size_t count;
    size_t channels;
    size_t height;
    size_t width;
} orepa_values;

#define OREPA_VALUES { sizeof(orepa_values), NULL, 0, 0, 0, 0 }

/* Where a call writes the feature maps of a stage. In an array all have the same `size`. */
typedef struct orepa_stage_output {
    size_t size;
    /* Of the stage. */
    const char *name;
    /* Float32 [picture_count, channels, height, width] of the stage, row-major: `count` values. */
    float *values;
    size_t count;
} orepa_stage_output;

#define OREPA_STAGE_OUTPUT { sizeof(orepa_stage_output), NULL, NULL, 0 }

/* Where a call writes what it finds out: memory of the caller's, aligned to four bytes, no part of it twice. */
typedef struct orepa_outputs {
    size_t size;
    /* Float32 [picture_count, class_count]: `logit_count` values. */
    float *logits;
    size_t logit_count;
    /* Float32 [picture_count, feature_count of the model]: `feature_value_count` values before the linear layer. NULL and
     * 0 where they are not wanted. */
    float *features;
    size_t feature_value_count;
    /* The stages whose feature maps are wanted, each once. NULL and 0 where none is. */
    const orepa_stage_output *stages;
    size_t stage_count;
} orepa_outputs;

#define OREPA_OUTPUTS { sizeof(orepa_outputs), NULL, 0, NULL, 0, NULL, 0 }

/* What the model's file records about it. Pointers are valid until the model has been freed; a string is NULL, and a number
 * NaN, where the file records none. */
typedef struct orepa_metadata {
    size_t size;
    /* All of it, as a JSON object on one line, with the keys of docs/model-file.md: tool, family, blocks, input,
     * preprocessing, labels, source, verification, assumptions; null where it is not recorded. The network itself (graph,
     * algorithms, probe) is left out. Never NULL. */
    const char *json;
    /* "RepVGG", "ResNet" or "ResNeXt", and name and version of the program that wrote the file. Never NULL. */
    const char *family;
    const char *tool;
    /* The checkpoint that the model was made from: its file's name, and SHA-256 in 64 hexadecimal digits. */
    const char *source_name;
    const char *source_sha256;
    /* How a picture becomes the network's input: its shorter side is resized to `resize` pixels, `crop` x `crop` are cut from
     * its middle, and of values in 0 ... 1 the mean is subtracted and the rest divided by the standard deviation, both
     * `channel_count` numbers. As recorded, whatever orepa_model_options.input_height says. */
    size_t resize;
    size_t crop;
    size_t channel_count;
    const float *mean;
    const float *std;
    /* "bilinear": Pillow's, antialiased, on 8-bit pixels. Never NULL. */
    const char *interpolation;
    /* What was found when the folded network was held against the unfused one: the largest error of a block, and the errors of
     * the logits with strict and with fast numerics, each divided by the largest value of the unfused output. */
    double block_error;
    double logit_error;
    double fast_logit_error;
} orepa_metadata;

#define OREPA_METADATA \
    { sizeof(orepa_metadata), NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0 }

/* The functions. Valid until the process ends. A later library of the same version may add functions at the end:
 * `size` tells whether one is there. */
typedef struct orepa_api {
    /* Bytes of this table. */
    size_t size;
    /* Of the library, such as "0.1.0". Valid until the process ends. */
    const char *library_version;

    /* ---- Errors ---- */

    /* The sentence about the last function that returned a status on this thread, empty if that was OREPA_OK. Never
     * NULL; cut off after 2047 bytes. Valid until the next call of any function of this table on the same thread
     * other than last_error and status_name. */
    const char *(*last_error)(void);

    /* The name of a status, such as "OREPA_NOT_FOUND"; "unknown status" for a number that is none. Valid until the
     * process ends. */
    const char *(*status_name)(orepa_status status);

    /* ---- Models ---- */

    /* Makes a model from the file at `path`. Options may be NULL. Packs weights and, unless told not to, checks the
     * probe: this takes about as long as a few pictures. The model is the caller's, to be freed by model_free. */
    orepa_status (*model_load)(
        const char *path, const orepa_model_options *options, orepa_model **model);

    /* Makes a model from a copy of the `byte_count` bytes of a model's file. `name` stands for the path in messages;
     * NULL: "model". */
    orepa_status (*model_load_bytes)(
        const void *bytes, size_t byte_count, const char *name, const orepa_model_options *options,
        orepa_model **model);

    /* Frees a model, or does nothing with NULL. No call may be running it. Its answers stay valid. */
    void (*model_free)(orepa_model *model);

    /* Describes the model, in `info`, whose size the caller sets. */
    orepa_status (*model_describe)(const orepa_model *model, orepa_model_info *info);

    /* The name of class `index`, NULL when the model has no labels. Valid until the model has been freed. */
    orepa_status (*model_label)(const orepa_model *model, size_t index, const char **label);

    /* Describes stage `index`, from 0, in the order in which the network computes them, in `stage`, whose size the
     * caller sets. */
    orepa_status (*model_stage)(const orepa_model *model, size_t index, orepa_stage *stage);

    /* What memory the model takes if a call brings `batch` pictures, at least 1. Does not run anything. */
    orepa_status (*model_memory)(
        const orepa_model *model, size_t batch, orepa_memory_requirement *requirement);

    /* Gives back the memory that calls have left for later ones. Calls that are running keep theirs. */
    orepa_status (*model_trim)(const orepa_model *model);

    /* ---- Calls ---- */

    /* Runs the network on `picture_count` pictures, of any kinds, which may be none. A picture that is at fault has
     * a status of its own in the answers and the others are answered; the call fails only for what concerns all: its
     * arguments, memory, the deadline, cancellation. A picture's own status is what is wrong with its file, bytes,
     * fields or values. Options may be NULL. The answers are the caller's, to be freed by answers_free. */
    orepa_status (*run)(
        const orepa_model *model, const orepa_picture *pictures, size_t picture_count,
        const orepa_run_options *options, orepa_answers **answers);

    /* Runs the network on `picture_count` normalised inputs, Float32 [picture_count, channels, height, width], all
     * finite, and writes the logits, Float32 [picture_count, class_count], where the caller says. `input_count` and
     * `logit_count` are the numbers of values. Allocates nothing once as many calls as run at a time have been made.
     * Of the options, which may be NULL, features and stages have to be off. When it fails, the logits are
     * undefined. */
    orepa_status (*run_tensor)(
        const orepa_model *model, const float *input, size_t input_count, size_t picture_count,
        float *logits, size_t logit_count, const orepa_run_options *options);

    /* ---- Answers ---- */

    /* Number of pictures; 0 for NULL. */
    size_t (*answers_count)(const orepa_answers *answers);

    /* The status of picture `index`. */
    orepa_status (*answers_status)(const orepa_answers *answers, size_t index);

    /* What is wrong with picture `index`, empty when nothing is, NULL when there is no such picture. Valid until the
     * answers have been freed. */
    const char *(*answers_message)(const orepa_answers *answers, size_t index);

    /* The largest logits of picture `index`, largest first; of equal ones the lower index first. `*count` is how many
     * predictions there is room for, and afterwards how many were written: no more than there are classes. The caller
     * sets the sizes of all of them. OREPA_NOT_FINITE when a logit is NaN or infinite. */
    orepa_status (*answers_top)(
        const orepa_answers *answers, size_t index, orepa_prediction *predictions, size_t *count);

    /* The logits of picture `index`. */
    orepa_status (*answers_logits)(
        const orepa_answers *answers, size_t index, orepa_values *values);

    /* Writes the softmax of the logits of picture `index`, `count` values, which is the number of classes; of a single
     * logit its logistic sigmoid. All are NaN when a logit is NaN or infinite. */
    orepa_status (*answers_probabilities)(
        const orepa_answers *answers, size_t index, float *probabilities, size_t count);

    /* The values before the linear layer of picture `index`, if the call asked for them. */
    orepa_status (*answers_features)(
        const orepa_answers *answers, size_t index, orepa_values *values);

    /* The feature map of the stage `name` of picture `index`, if the call asked for it. */
    orepa_status (*answers_stage)(
        const orepa_answers *answers, size_t index, const char *name, orepa_values *values);

    /* Frees answers, or does nothing with NULL. */
    void (*answers_free)(orepa_answers *answers);

    /* ---- Threads ---- */

    /* Starts a pool of `thread_count` threads, of which the calling thread of a call is one; 0: one for each
     * available processor. The pool is the caller's, to be freed by pool_free. */
    orepa_status (*pool_new)(int32_t thread_count, orepa_pool **pool);

    /* How many threads run a call at most: fewer than were asked for when the system refuses some; 0 for NULL. */
    size_t (*pool_thread_count)(const orepa_pool *pool);

    /* Frees a pool, or does nothing with NULL. Its threads end when the models that share it have been freed too. */
    void (*pool_free)(orepa_pool *pool);

    /* ---- Cancellation ---- */

    /* Makes a cancellation, which any number of calls may share. It is the caller's, to be freed by
     * cancellation_free when they have returned. */
    orepa_status (*cancellation_new)(orepa_cancellation **cancellation);

    /* Cancels, once and for all: calls that run or start with it fail. Does nothing with NULL. May be called in a
     * signal handler. */
    void (*cancellation_cancel)(orepa_cancellation *cancellation);

    /* Frees a cancellation, or does nothing with NULL. */
    void (*cancellation_free)(orepa_cancellation *cancellation);

    /* ---- Warnings ---- */

    /* What is odd about the file of picture `index`, such as that it is damaged: sentence `place`, from 0; NULL when
     * there are no more. Valid until the answers have been freed. */
    const char *(*answers_warning)(const orepa_answers *answers, size_t index, size_t place);

    /* ---- Into the caller's memory ---- */

    /* As `run`, with the values written where `outputs` says; options.features and options.stages have to be off. With
     * `answers` NULL the call fails for the first picture that is at fault, as it does for what concerns all. Otherwise a
     * picture that is at fault has NaN for its values, and `*answers`, the caller's, to be freed by answers_free, has all
     * pictures' statuses, messages and warnings, and no values. Outputs take no memory of the library's; pictures take what
     * decoding and scaling them does for a while. When it fails, the outputs are undefined. */
    orepa_status (*run_into)(
        const orepa_model *model, const orepa_picture *pictures, size_t picture_count,
        const orepa_outputs *outputs, const orepa_run_options *options, orepa_answers **answers);

    /* As `run_tensor`, with features and feature maps beside the logits where `outputs` says. Allocates nothing once as many
     * calls as run at a time have been made. `input` is no part of the outputs. When it fails, the outputs are undefined. */
    orepa_status (*run_tensor_into)(
        const orepa_model *model, const float *input, size_t input_count, size_t picture_count,
        const orepa_outputs *outputs, const orepa_run_options *options);

    /* ---- What a model's file records ---- */

    /* Tells what the model's file records about it, in `metadata`, whose size the caller sets. */
    orepa_status (*model_metadata)(const orepa_model *model, orepa_metadata *metadata);
} orepa_api;

/* The table of functions of that version, OREPA_API_VERSION; NULL if this library has no such version. */
const orepa_api *orepa_get_api(uint32_t version);

/* ---- Pictures, all borrowed until the call that they are passed to returns ---- */

/* The JPEG or PNG file at `path`. */
static inline orepa_picture orepa_picture_file(const char *path)
{
    orepa_picture picture = OREPA_PICTURE;
    picture.kind = OREPA_PICTURE_FILE;
    picture.path = path;
    return picture;
}

/* The `size` bytes of a JPEG or PNG file. */
static inline orepa_picture orepa_picture_encoded(const void *bytes, size_t size)
{
    orepa_picture picture = OREPA_PICTURE;
    picture.kind = OREPA_PICTURE_ENCODED;
    picture.data = bytes;
    picture.data_size = size;
    return picture;
}

/* 8-bit pixels, rows from the top, `size` bytes in all, in the order OREPA_ORDER_...; `bytes_per_row` may be 0 when
 * nothing is between rows. */
static inline orepa_picture orepa_picture_pixels(
    const void *pixels, size_t size, size_t width, size_t height, size_t bytes_per_row,
    int32_t order)
{
    orepa_picture picture = OREPA_PICTURE;
    picture.kind = OREPA_PICTURE_PIXELS;
    picture.order = order;
    picture.data = pixels;
    picture.data_size = size;
    picture.width = width;
    picture.height = height;
    picture.bytes_per_row = bytes_per_row;
    return picture;
}

/* The network's input, [channels, height, width], `count` values. */
static inline orepa_picture orepa_picture_tensor(const float *values, size_t count)
{
    orepa_picture picture = OREPA_PICTURE;
    picture.kind = OREPA_PICTURE_TENSOR;
    picture.data = values;
    /* A count whose bytes do not fit becomes a size that no tensor has. */
    picture.data_size = count <= SIZE_MAX / sizeof(float) ? count * sizeof(float) : SIZE_MAX;
    return picture;
}

#ifdef __cplusplus
}
#endif

#endif
