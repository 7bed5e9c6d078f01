import CConversionLibraries
import OrepaNetwork

extension FeatureMap {
    /// A cross-correlation without bias, as PyTorch's `conv2d`:
    /// `y[o, Y, X] = sum over i, h, w of filter[o, i, h, w] * x[i, Y * stride + h - padding, ...]`,
    /// with `i` within the group of `o`, and zeros outside. A negative padding leaves out the border.
    ///
    /// - Precondition: channels, groups and filter belong together, and the padded input holds a window.
    func convolved(
        with filter: Filter, stride: Int = 1, padding: Int = 0, groups: Int = 1
    ) -> FeatureMap {
        precondition(shape.channels == filter.inputs * groups && filter.outputs % groups == 0)
        let rows = shape.height + 2 * padding - filter.size
        let columns = shape.width + 2 * padding - filter.size
        precondition(rows >= 0 && columns >= 0)
        let output = Shape(
            channels: filter.outputs, height: rows / stride + 1, width: columns / stride + 1)
        let result = [Double](unsafeUninitializedCapacity: output.elementCount) { target, count in
            values.withUnsafeBufferPointer { input in
                let layer = Layer(
                    filter: filter, input: shape, output: output, stride: stride,
                    padding: padding, groups: groups)
                layer.run(input.baseAddress!, output: target.baseAddress!)
            }
            count = output.elementCount
        }
        return FeatureMap(shape: output, values: result)
    }
}

/// Matrix products over the windows, laid out as columns; a band of rows at a time, or a part of a row, so that the
/// columns of large pictures and kernels stay small.
private struct Layer {
    let filter: Filter
    let input: Shape
    let output: Shape
    let stride: Int
    let padding: Int
    let groups: Int

    /// Elements of the columns of a band: 8 MiB of Float64.
    private static let largestColumnCount = 1 << 20

    /// Most weights that are in memory as Float64: 2 MiB, but at least one output channel's.
    private static let largestWeightCount = 1 << 18

    func run(_ source: UnsafePointer<Double>, output target: UnsafeMutablePointer<Double>) {
        let depth = filter.inputs * filter.size * filter.size
        let channels = filter.outputs / groups
        let plane = output.height * output.width
        let width = min(output.width, max(1, Layer.largestColumnCount / depth))
        let rowsPerBand =
            width < output.width
            ? 1 : min(output.height, max(1, Layer.largestColumnCount / (depth * width)))
        let columns = UnsafeMutablePointer<Double>.allocate(capacity: depth * rowsPerBand * width)
        defer { columns.deallocate() }
        for group in 0..<groups {
            for row in Swift.stride(from: 0, to: output.height, by: rowsPerBand) {
                for column in Swift.stride(from: 0, to: output.width, by: width) {
                    let rows = row..<min(row + rowsPerBand, output.height)
                    let part = column..<min(column + width, output.width)
                    let pixels = rows.count * part.count
                    layOutColumns(
                        columns, rows, part,
                        source + group * filter.inputs * input.height * input.width)
                    let channelsAtATime = max(1, Layer.largestWeightCount / depth)
                    for first in Swift.stride(from: 0, to: channels, by: channelsAtATime) {
                        let count = min(channelsAtATime, channels - first)
                        let channel = group * channels + first
                        let weight = filter.values(of: channel..<channel + count)
                        orepa_matrix_product(
                            count, pixels, depth, weight, depth, columns, pixels, 0,
                            target + channel * plane + row * output.width + column, plane)
                    }
                }
            }
        }
    }

    /// Fills `columns [inputs * size * size, pixels]` for one group, whose channels begin at `source`.
    private func layOutColumns(
        _ columns: UnsafeMutablePointer<Double>, _ rows: Range<Int>, _ part: Range<Int>,
        _ source: UnsafePointer<Double>
    ) {
        var target = columns
        for channel in 0..<filter.inputs {
            let plane = source + channel * input.height * input.width
            for tap in 0..<filter.size * filter.size {
                for row in rows {
                    let y = row * stride + tap / filter.size - padding
                    for column in part {
                        let x = column * stride + tap % filter.size - padding
                        let isInside = y >= 0 && y < input.height && x >= 0 && x < input.width
                        target[column - part.lowerBound] = isInside ? plane[y * input.width + x] : 0
                    }
                    target += part.count
                }
            }
        }
    }
}
