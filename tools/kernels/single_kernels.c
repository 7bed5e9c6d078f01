#include "single_kernels.h"

#include "kernels.h"
#include "measure.h"
#include "test.h"

// What one kernel is run for.
typedef struct {
    const char *name, *isa;
    bool timed;
} job;

// A size: the typical one where it is timed, else a random one.
static int32_t size(const job *j, int32_t typical, int32_t least, int32_t most)
{
    return j->timed ? typical : random_int(least, most);
}

// Whole numbers, small enough that every sum here is exact: then order does not matter, and nothing hides a
// wrong factor. All are multiples of `unit`.
static float *whole(size_t count, int32_t unit)
{
    float *values = floats(count);
    for (size_t i = 0; i < count; i++) values[i] = (float)(unit * random_int(-8, 8));
    return values;
}

static void expect(const job *j, float got, double want, const char *what, int64_t at)
{
    if (isnan(want) ? isnan(got) : got == want) return;
    FAIL("%s on %s: %s %lld is %.9g, not %.9g", j->name, j->isa, what, (long long)at, got, want);
}

enum { TURNS = 40, CALLS = 200 };

static void print_times(const job *j, double times[TURNS], double floats_moved)
{
    const spread all = spread_of(times, TURNS);
    printf(
        "%-26s min %8.1f p10 %8.1f median %8.1f ns %7.1f GB/s\n", j->name, all.least * 1e9, all.p10 * 1e9,
        all.median * 1e9, floats_moved * 4e-9 / all.median);
}

// Times `run`, which reads and writes so many floats.
#define TIME(j, floats_moved, run) \
    if ((j)->timed) { \
        double times[TURNS]; \
        for (int turn = 0; turn < TURNS; turn++) { \
            const double start = seconds(); \
            for (int i = 0; i < CALLS; i++) run; \
            times[turn] = (seconds() - start) / CALLS; \
        } \
        print_times(j, times, (double)(floats_moved)); \
    }

static double relu_of(double value, bool relu) { return relu && value < 0 ? 0 : value; }

// Pooling, addition.

static void do_max_pool_row(orepa_max_pool_row_kernel *kernel, const job *j)
{
    orepa_max_pool_call call = {
        .kernel = size(j, 3, 1, 4), .stride = size(j, 2, 1, 3), .width = size(j, 112, 1, 30)};
    call.padding = size(j, 1, 0, call.kernel - 1);
    if (call.width + 2 * call.padding < call.kernel) call.padding = call.kernel - 1;
    if (call.width + 2 * call.padding < call.kernel) call.kernel = 1, call.padding = 0;
    call.rows = size(j, call.kernel, 1, call.kernel);
    call.outputs = (call.width + 2 * call.padding - call.kernel) / call.stride + 1;
    // No window is empty: the last one begins within the row.
    while ((call.outputs - 1) * call.stride - call.padding >= call.width) call.outputs--;
    call.input_row = (call.width + size(j, 2, 0, 3)) * 16;
    float *input = whole((size_t)(call.rows * call.input_row), 1);
    float *output = floats((size_t)call.outputs * 16);
    if (!j->timed && random_int(0, 1)) input[random_int(0, call.width * 16 - 1)] = NAN;
    call.input = input, call.output = output;
    kernel(&call);
    for (int32_t i = 0; i < call.outputs * 16; i++) {
        double want = -INFINITY;
        for (int32_t r = 0; r < call.rows; r++)
            for (int32_t k = 0; k < call.kernel; k++) {
                const int32_t u = i / 16 * call.stride - call.padding + k;
                if (u < 0 || u >= call.width || isnan(want)) continue;
                const double value = input[r * call.input_row + u * 16 + i % 16];
                if (isnan(value) || value > want) want = value;
            }
        expect(j, output[i], want, "float", i);
    }
    TIME(j, (call.rows * call.width + call.outputs) * 16, kernel(&call))
    free(input), free(output);
}

static void do_average_pool(orepa_average_pool_kernel *kernel, const job *j)
{
    orepa_average_pool_call call = {
        .blocks = size(j, 16, 1, 11), .height = size(j, 7, 1, 9), .width = size(j, 7, 1, 9)};
    call.input_row = (call.width + size(j, 0, 0, 2)) * 16;
    call.input_plane = call.height * call.input_row + 16 * size(j, 0, 0, 2);
    call.output_plane = 16 * size(j, 1, 1, 3);
    call.count = (float)(call.height * call.width);
    float *input = whole((size_t)(call.blocks * call.input_plane), 1);
    float *output = floats((size_t)(call.blocks * call.output_plane));
    call.input = input, call.output = output;
    kernel(&call);
    for (int32_t b = 0; b < call.blocks; b++)
        for (int32_t c = 0; c < 16; c++) {
            float sum = 0;
            for (int32_t y = 0; y < call.height; y++)
                for (int32_t x = 0; x < call.width; x++)
                    sum += input[b * call.input_plane + y * call.input_row + x * 16 + c];
            expect(
                j, output[b * call.output_plane + c], sum / (float)(call.height * call.width), "channel",
                b * 16 + c);
        }
    TIME(j, call.blocks * call.height * call.width * 16, kernel(&call))
    free(input), free(output);
}

static void do_addition_row(orepa_addition_row_kernel *kernel, const job *j)
{
    const int32_t pixels = size(j, 56, 0, 40), relu = size(j, 1, 0, 1), in_place = size(j, 0, 0, 2);
    const size_t count = (size_t)pixels * 16;
    float *a = whole(count, 1), *b = whole(count, 1), *output = floats(count), *want = floats(count);
    if (!j->timed && pixels) a[random_int(0, pixels * 16 - 1)] = NAN;
    for (size_t i = 0; i < count; i++) want[i] = (float)relu_of(a[i] + b[i], relu);
    float *to = in_place == 1 ? a : in_place == 2 ? b : output;
    kernel(a, b, to, pixels, relu);
    for (size_t i = 0; i < count; i++) expect(j, to[i], want[i], "float", (int64_t)i);
    TIME(j, 3 * count, kernel(a, b, output, pixels, relu))
    free(a), free(b), free(output), free(want);
}

// Winograd: the matrices from their points. Finite ones first; `count` of them.

static const double points1[] = {0, 1, -1, 2, -2}, points2[] = {0, 1, -1, 2};
enum { INFINITE1 = 5, INFINITE2 = 4 };   // the kind of infinity

typedef struct {
    int32_t stride, count, infinite;
    const double *points;
} transform;

// Of all tiles of a stride, or of those of m outputs.
static transform transform_of(int32_t stride, int32_t m)
{
    return stride == 1 ? (transform){1, m + 1, INFINITE1, points1} : (transform){2, m, INFINITE2, points2};
}

// The product of differences to the other points, for the first `count` of them.
static double differences(const transform *t, int32_t point, int32_t count)
{
    double product = 1;
    for (int32_t other = 0; other < count; other++)
        if (other != point) product *= t->points[point] - t->points[other];
    return product;
}

// Coefficient k of the product of (x - p) over finite points other than `left_out`.
static double coefficient(const double *points, int32_t count, int32_t left_out, int32_t k)
{
    double product[10] = {1};
    for (int32_t i = 0, degree = 0; i < count; i++) {
        if (i == left_out) continue;
        degree++;
        for (int32_t d = degree; d >= 0; d--)
            product[d] = (d ? product[d - 1] : 0) - points[i] * product[d];
    }
    return product[k];
}

// B of kind `kind` for its entry e of a tile of m outputs, at input pixel x; see winograd.h.
static double b_at(int32_t stride, int32_t m, int32_t kind, int32_t e, int32_t x)
{
    const transform t = transform_of(stride, m);
    if (stride == 2 && kind == OREPA_WINOGRAD_ODD) return x == 2 * e + 1;
    if (stride == 2 && x % 2) return 0;
    if (kind == t.infinite) return coefficient(t.points, t.count, -1, x / stride);
    const double scale = differences(&t, kind, transform_of(stride, 4).count) / differences(&t, kind, t.count);
    return scale * coefficient(t.points, t.count, kind, x / stride);
}

// A of kind `kind` for its entry e of a tile of m outputs, at output y.
static double a_at(int32_t stride, int32_t m, int32_t kind, int32_t e, int32_t y)
{
    const transform t = transform_of(stride, m);
    if (stride == 2 && kind == OREPA_WINOGRAD_ODD) return e == y;
    if (kind == t.infinite) return y == m - 1;
    return pow(t.points[kind], y);
}

// Entries of a kind in a tile of m outputs.
static int32_t entries_of(int32_t stride, int32_t m, int32_t kind)
{
    if (stride == 2 && kind == OREPA_WINOGRAD_ODD) return m;
    const transform t = transform_of(stride, m);
    return kind == t.infinite || kind < t.count;
}

// A row of tiles: up to 3 of each size, or a typical one.
static orepa_winograd_split row_of_tiles(const job *j)
{
    orepa_winograd_split columns = {{0}};
    if (j->timed) columns.count[4] = 7;
    else
        for (int32_t m = 1; m <= 4; m++) columns.count[m] = random_int(m == 1, 3);
    return columns;
}

// Memory of all positions, each of as many entries as the row of tiles has.
typedef struct {
    float *memory;
    size_t count;
    int64_t start[OREPA_WINOGRAD_POSITIONS], entry_row[OREPA_WINOGRAD_KINDS];
} positions;

static positions make_positions(int32_t stride, const orepa_winograd_split *columns, int32_t height)
{
    positions p = {0};
    for (int32_t kind = 0; kind < OREPA_WINOGRAD_KINDS; kind++)
        for (int32_t m = 1; m <= 4; m++)
            p.entry_row[kind] += 16 * columns->count[m] * entries_of(stride, m, kind);
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        p.start[q] = (int64_t)p.count;
        p.count += (size_t)(entries_of(stride, height, q / 6) * p.entry_row[q % 6]);
    }
    return p;
}

// Does `body` for each tile: its outputs `m`, first output `pixel`, and the entries of each kind before it.
#define FOR_TILES(stride, columns, body) \
    for (int32_t m = 4, pixel = 0, before[OREPA_WINOGRAD_KINDS] = {0}; m >= 1; m--) \
        for (int32_t tile = 0; tile < (columns).count[m]; tile++, pixel += m) { \
            body \
            for (int32_t kind = 0; kind < OREPA_WINOGRAD_KINDS; kind++) \
                before[kind] += entries_of(stride, m, kind); \
        }
// And for each position's entry (ey, ex) of a tile, which lies `at` floats from the memory's start.
#define FOR_ENTRIES(stride, p, height, body) \
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) \
        for (int32_t ey = 0; ey < entries_of(stride, height, q / 6); ey++) \
            for (int32_t ex = 0; ex < entries_of(stride, m, q % 6); ex++) { \
                const int64_t at = (p).start[q] + ey * (p).entry_row[q % 6] + (before[q % 6] + ex) * 16; \
                body \
            }

static int32_t pixels_of(const orepa_winograd_split *columns)
{
    return columns->count[1] + 2 * columns->count[2] + 3 * columns->count[3] + 4 * columns->count[4];
}

static void winograd_input(void (*kernel)(const orepa_winograd_input_call *), const job *j, int32_t stride)
{
    orepa_winograd_input_call call = {.columns = row_of_tiles(j), .height = size(j, 4, 1, 4)};
    const int32_t width = stride * (pixels_of(&call.columns) - 1) + 3;
    const int32_t rows = stride * (call.height - 1) + 3;
    call.input_row = (width + size(j, 0, 0, 2)) * 16;
    float *input = whole((size_t)(rows * call.input_row), 1);
    positions p = make_positions(stride, &call.columns, call.height);
    p.memory = floats(p.count);
    call.input = input;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) call.position[q] = p.memory + p.start[q];
    memcpy(call.entry_row, p.entry_row, sizeof p.entry_row);
    kernel(&call);
    FOR_TILES(stride, call.columns, FOR_ENTRIES(stride, p, call.height, {
        for (int32_t c = 0; c < 16; c++) {
            double want = 0;
            for (int32_t y = 0; y < rows; y++)
                for (int32_t x = 0; x < stride * (m - 1) + 3; x++)
                    want += b_at(stride, call.height, q / 6, ey, y) * b_at(stride, m, q % 6, ex, x)
                        * input[y * call.input_row + (stride * pixel + x) * 16 + c];
            expect(j, p.memory[at + c], want, "position", q);
        }
    }))
    TIME(j, (size_t)(rows * width * 16) + p.count, kernel(&call))
    free(input), free(p.memory);
}

static void do_winograd_input_stride1(orepa_winograd_input_kernel *kernel, const job *j)
{
    winograd_input(kernel, j, 1);
}
static void do_winograd_input_stride2(orepa_winograd_input_kernel *kernel, const job *j)
{
    winograd_input(kernel, j, 2);
}

static void winograd_output(void (*kernel)(const orepa_winograd_output_call *), const job *j, int32_t stride)
{
    orepa_winograd_output_call call = {
        .columns = row_of_tiles(j), .height = size(j, 4, 1, 4), .relu = size(j, 1, 0, 1)};
    const int32_t width = pixels_of(&call.columns);
    call.output_row = (width + size(j, 0, 0, 2)) * 16;
    call.residual_row = (width + size(j, 0, 0, 2)) * 16;
    positions p = make_positions(stride, &call.columns, call.height);
    p.memory = whole(p.count, 1);
    float *bias = whole(16, 1), *residual = whole((size_t)(call.height * call.residual_row), 1);
    float *output = floats((size_t)(call.height * call.output_row));
    const bool adds = size(j, 0, 0, 1);
    call.bias = bias, call.residual = adds ? residual : NULL, call.output = output;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) call.position[q] = p.memory + p.start[q];
    memcpy(call.entry_row, p.entry_row, sizeof p.entry_row);
    kernel(&call);
    FOR_TILES(stride, call.columns, {
        for (int32_t y = 0; y < call.height; y++)
            for (int32_t x = 0; x < m; x++)
                for (int32_t c = 0; c < 16; c++) {
                    double want = bias[c] + (adds ? residual[y * call.residual_row + (pixel + x) * 16 + c] : 0);
                    FOR_ENTRIES(stride, p, call.height, {
                        want += a_at(stride, call.height, q / 6, ey, y) * a_at(stride, m, q % 6, ex, x)
                            * p.memory[at + c];
                    })
                    expect(
                        j, output[y * call.output_row + (pixel + x) * 16 + c], relu_of(want, call.relu),
                        "pixel", pixel + x);
                }
    })
    TIME(j, (size_t)(call.height * width * 16) + p.count, kernel(&call))
    free(p.memory), free(bias), free(residual), free(output);
}

static void do_winograd_output_stride1(orepa_winograd_output_kernel *kernel, const job *j)
{
    winograd_output(kernel, j, 1);
}
static void do_winograd_output_stride2(orepa_winograd_output_kernel *kernel, const job *j)
{
    winograd_output(kernel, j, 2);
}

// G of a kind at tap k.
static double g_at(int32_t stride, int32_t kind, int32_t k)
{
    const transform t = transform_of(stride, 4);
    if (stride == 2 && (kind == OREPA_WINOGRAD_ODD || k == 1)) return kind == OREPA_WINOGRAD_ODD && k == 1;
    if (kind == t.infinite) return k == 2;
    return pow(t.points[kind], k / stride) / differences(&t, kind, t.count);
}

static void winograd_pack(void (*kernel)(const orepa_winograd_pack_call *), const job *j, int32_t stride)
{
    orepa_winograd_pack_call call = {.lanes = size(j, 16, 1, 16), .channels = size(j, 192, 1, 30)};
    call.lane_step = 9 * call.channels + size(j, 0, 0, 3);
    // Multiples of what the transforms divide by.
    float *weights = whole((size_t)(16 * call.lane_step), 24 * 24), *memory[OREPA_WINOGRAD_POSITIONS];
    call.weights = weights;
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) {
        call.step[q] = 16 * size(j, 1, 1, 3);
        memory[q] = floats((size_t)(call.channels * call.step[q]));
        call.position[q] = size(j, 1, 0, 4) ? memory[q] : NULL;
    }
    kernel(&call);
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++)
        for (int32_t c = 0; call.position[q] && c < call.channels; c++)
            for (int32_t lane = 0; lane < 16; lane++) {
                double want = 0;
                for (int32_t tap = 0; tap < 9 && lane < call.lanes; tap++)
                    want += g_at(stride, q / 6, tap / 3) * g_at(stride, q % 6, tap % 3)
                        * weights[lane * call.lane_step + c * 9 + tap];
                // The reference's thirds are rounded; the kernel's results here are whole numbers.
                expect(j, memory[q][c * call.step[q] + lane], round(want * 4) / 4, "position", q);
            }
    TIME(j, call.channels * 16 * 45, kernel(&call))
    for (int32_t q = 0; q < OREPA_WINOGRAD_POSITIONS; q++) free(memory[q]);
    free(weights);
}

static void do_winograd_pack_stride1(orepa_winograd_pack_kernel *kernel, const job *j)
{
    winograd_pack(kernel, j, 1);
}
static void do_winograd_pack_stride2(orepa_winograd_pack_kernel *kernel, const job *j)
{
    winograd_pack(kernel, j, 2);
}

// Stem. Its finite points without infinity, which is number 5; 1/2 is number 6.

static const double stem_points[] = {0, 1, -1, 2, -2, 0.5};

static double stem_b(int32_t finite, int32_t q, int32_t r)
{
    const int32_t left_out = q == 5 ? -1 : q == OREPA_STEM_HALF ? 5 : q;
    const int32_t degree = finite - (left_out >= 0);
    return r > degree ? 0 : coefficient(stem_points, finite, left_out, r);
}

static void do_stem_input(orepa_stem_input_kernel *kernel, const job *j)
{
    orepa_stem_input_call call = {.count = size(j, 229, 16, 70)};
    call.input_row = call.count + size(j, 1, 0, 3);
    call.point = call.count + size(j, 1, 0, 3);
    float *input = whole((size_t)(OREPA_STEM_INPUT_ROWS * call.input_row), 2);
    float *even = floats((size_t)(OREPA_STEM_POINTS * call.point));
    float *odd = floats((size_t)(OREPA_STEM_POINTS * call.point));
    call.input = input, call.even = even, call.odd = odd;
    kernel(&call);
    for (int32_t q = 0; q < OREPA_STEM_POINTS; q++)
        for (int32_t x = 0; x < call.count; x++) {
            double want[2] = {0};
            for (int32_t r = 0; r < OREPA_STEM_INPUT_ROWS; r++)
                want[r % 2] += stem_b(r % 2 ? 5 : 6, q, r / 2) * input[r * call.input_row + x];
            expect(j, even[q * call.point + x], want[0], "even point", q);
            if (q != OREPA_STEM_HALF) expect(j, odd[q * call.point + x], want[1], "odd point", q);
        }
    TIME(j, call.count * (13 + 13), kernel(&call))
    free(input), free(even), free(odd);
}

static void do_stem_output(orepa_stem_output_kernel *kernel, const job *j)
{
    orepa_stem_output_call call = {
        .pixels = size(j, 14, 1, 20), .first = size(j, 0, 0, 3), .relu = size(j, 1, 0, 1)};
    call.point = 16 * (call.pixels + size(j, 0, 0, 2));
    call.output_row = 16 * (call.pixels + size(j, 0, 0, 2));
    float *products = whole((size_t)(OREPA_STEM_POINTS * call.point), 8), *bias = whole(16, 1);
    float *output = floats((size_t)(OREPA_STEM_ROWS * call.output_row));
    call.products = products, call.bias = bias, call.output = output;
    kernel(&call);
    for (int32_t k = 0; k < OREPA_STEM_ROWS; k++)
        for (int32_t i = 0; i < call.pixels * 16; i++) {
            double want = bias[i % 16];
            for (int32_t q = 0; q < OREPA_STEM_POINTS; q++)
                want += (q == 5 ? k == 3 : pow(stem_points[q == OREPA_STEM_HALF ? 5 : q], k))
                    * products[q * call.point + i];
            // Rows before the first one stay as they were: NaN.
            expect(
                j, output[k * call.output_row + i], k < call.first ? NAN : relu_of(want, call.relu), "row", k);
        }
    TIME(j, call.pixels * 16 * 11, kernel(&call))
    free(products), free(bias), free(output);
}

// Groups.

static void grouped(void (*kernel)(const orepa_grouped_call *), const job *j, int32_t width, int32_t stride)
{
    orepa_grouped_call call = {.pixels = size(j, 28, 1, 40), .relu = size(j, 1, 0, 1)};
    const int32_t seen = (call.pixels - 1) * stride + 3;
    call.input_row = 16 * (seen + size(j, 0, 0, 2));
    float *input = whole((size_t)(3 * call.input_row), 1), *bias = whole(16, 1);
    float *weights = whole((size_t)(9 * width * 16), 1), *residual = whole((size_t)call.pixels * 16, 1);
    float *output = floats((size_t)call.pixels * 16);
    const bool adds = size(j, 0, 0, 1);
    call.input = input, call.weights = weights, call.bias = bias, call.output = output;
    call.residual = adds ? residual : NULL;
    kernel(&call);
    for (int32_t i = 0; i < call.pixels * 16; i++) {
        const int32_t o = i % 16;
        double want = bias[o] + (adds ? residual[i] : 0);
        for (int32_t y = 0; y < 3; y++)
            for (int32_t k = 0; k < width; k++)
                for (int32_t x = 0; x < 3; x++)
                    want += weights[((y * width + k) * 3 + x) * 16 + o]
                        * input[y * call.input_row + (i / 16 * stride + x) * 16 + o / width * width + k];
        expect(j, output[i], relu_of(want, call.relu), "float", i);
    }
    TIME(j, (3 * seen + call.pixels + 9 * width) * 16, kernel(&call))
    free(input), free(bias), free(weights), free(residual), free(output);
}

static void do_grouped_width4_stride1(orepa_grouped_kernel *kernel, const job *j)
{
    grouped(kernel, j, 4, 1);
}
static void do_grouped_width4_stride2(orepa_grouped_kernel *kernel, const job *j)
{
    grouped(kernel, j, 4, 2);
}
static void do_grouped_width8_stride1(orepa_grouped_kernel *kernel, const job *j)
{
    grouped(kernel, j, 8, 1);
}
static void do_grouped_width8_stride2(orepa_grouped_kernel *kernel, const job *j)
{
    grouped(kernel, j, 8, 2);
}

// The processor.

static void do_machine_multiply(orepa_machine_multiply_kernel *kernel, const job *j)
{
    const int32_t rounds = size(j, 1000, 0, 500), factor = size(j, 1, 1, 4);
    const float got = kernel((float)factor, rounds);
    expect(j, got, (double)factor * factor * rounds * OREPA_MACHINE_VECTORS * 16, "sum", 0);
    volatile float sink = 0;
    TIME(j, 0, sink = kernel(0.5f, rounds))
    (void)sink;
}

static void do_machine_read(orepa_machine_read_kernel *kernel, const job *j)
{
    const int32_t count = 64 * size(j, 100, 0, 40);
    float *memory = whole((size_t)count, 1);
    double sum = 0;
    for (int32_t i = 0; i < count; i++) sum += memory[i];
    expect(j, kernel(memory, count), sum, "sum", 0);
    volatile float sink = 0;
    TIME(j, count, sink = kernel(memory, count))
    (void)sink;
    free(memory);
}

#define OREPA_MULTIPLY(...)

void test_single_kernels(void)
{
    const uint64_t state = random_state;
#define OREPA_SINGLE(operation, type) \
    for (int isa = 0; isa < OREPA_ISA_COUNT; isa++) { \
        if (!orepa_isa_is_here((orepa_isa)isa)) continue; \
        const job j = {#operation, orepa_isa_name((orepa_isa)isa), false}; \
        random_state = state; \
        do_##operation(orepa_singles[isa].operation, &j); \
    }
#include "kernels.inc"
#undef OREPA_SINGLE
}

void bench_single_kernels(orepa_isa isa, const char *filter)
{
#define OREPA_SINGLE(operation, type) \
    if (strstr(#operation, filter)) { \
        const job j = {#operation, orepa_isa_name(isa), true}; \
        do_##operation(orepa_singles[isa].operation, &j); \
    }
#include "kernels.inc"
#undef OREPA_SINGLE
}
