import COpenBLAS
import OrepaNetwork

/// A convolution by matrix products: the windows under the kernel are laid out as columns (im2col), and
/// `weight [O / g, I / g * k * k]` times `columns [I / g * k * k, pixels]` gives the output of a group.
///
/// Rows of output are done in bands, so that the columns stay below ``largestColumnCount``; the products of
/// a band are cut into blocks of fixed size that any thread may claim. The cut follows from the shapes
/// alone, so the result has the same bits for any number of threads.
struct ConvolutionStep: Sendable {
    let convolution: Convolution
    let input: Shape
    let output: Shape
    let weight: Tensor
    let bias: Tensor
    private let rowsPerBand: Int

    /// Elements of the columns of a band: 16 MiB of Float32.
    private static let largestColumnCount = 1 << 22
    /// Most output channels and pixels of one product.
    private static let channelsPerBlock = 128
    private static let pixelsPerBlock = 1024

    init(_ convolution: Convolution, input: Shape, output: Shape, weight: Tensor, bias: Tensor) {
        self.convolution = convolution
        self.input = input
        self.output = output
        self.weight = weight
        self.bias = bias
        let columnsOfARow =
            convolution.inputChannels * convolution.kernel * convolution.kernel * output.width
        rowsPerBand = min(output.height, max(1, ConvolutionStep.largestColumnCount / columnsOfARow))
    }

    /// A 1x1 convolution of stride 1 reads its input in place.
    private var needsColumns: Bool {
        convolution.kernel > 1 || convolution.stride > 1 || convolution.padding > 0
    }

    /// Elements of scratch memory that ``run(input:output:scratch:pool:)`` needs, shared by all threads.
    var scratchCount: Int {
        guard needsColumns else { return 0 }
        return convolution.inputChannels * convolution.kernel * convolution.kernel * rowsPerBand
            * output.width
    }

    /// The memory of one band of one call, as the threads share it.
    private struct Band {
        let step: ConvolutionStep
        let rows: Range<Int>
        let input: UnsafePointer<Float>
        let columns: UnsafeMutablePointer<Float>
        let output: UnsafeMutablePointer<Float>

        static func at(_ pointer: UnsafeRawPointer) -> Band {
            pointer.assumingMemoryBound(to: Band.self).pointee
        }
    }

    /// `input [I, H, W]` to `output [O, H', W']`.
    func run(
        input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, pool: WorkerPool
    ) {
        var row = 0
        while row < self.output.height {
            let rows = row..<min(row + rowsPerBand, self.output.height)
            let band = Band(step: self, rows: rows, input: input, columns: scratch, output: output)
            if needsColumns {
                pool.run(convolution.inputChannels, band) { call, channel, _ in
                    let band = Band.at(call)
                    band.step.layOutColumns(of: channel, band)
                }
            }
            pool.run(productCount(rows: rows), band) { call, item, _ in
                let band = Band.at(call)
                band.step.multiply(item, band)
            }
            row = rows.upperBound
        }
    }

    private var channelBlocks: Int {
        (convolution.outputChannels / convolution.groups - 1) / ConvolutionStep.channelsPerBlock + 1
    }

    private func pixelBlocks(rows: Range<Int>) -> Int {
        (rows.count * output.width - 1) / ConvolutionStep.pixelsPerBlock + 1
    }

    private func productCount(rows: Range<Int>) -> Int {
        convolution.groups * channelBlocks * pixelBlocks(rows: rows)
    }

    /// The product of one group, block of channels and block of pixels.
    private func multiply(_ item: Int, _ band: Band) {
        let plane = output.height * output.width
        let firstPixel = band.rows.lowerBound * output.width
        let pixels = band.rows.count * output.width
        let channels = convolution.outputChannels / convolution.groups
        let depth =
            convolution.inputChannels / convolution.groups * convolution.kernel * convolution.kernel
        let pixelBlocks = pixelBlocks(rows: band.rows)
        let group = item / (channelBlocks * pixelBlocks)
        let firstChannel = item / pixelBlocks % channelBlocks * ConvolutionStep.channelsPerBlock
        let first = item % pixelBlocks * ConvolutionStep.pixelsPerBlock
        let channelCount = min(ConvolutionStep.channelsPerBlock, channels - firstChannel)
        let pixelCount = min(ConvolutionStep.pixelsPerBlock, pixels - first)
        let channel = group * channels + firstChannel
        let target = band.output + channel * plane + firstPixel + first
        let source = needsColumns ? UnsafePointer(band.columns) : band.input + firstPixel
        let stride = needsColumns ? pixels : plane
        weight.withUnsafeBufferPointer { weight in
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans,
                blasint(channelCount), blasint(pixelCount), blasint(depth),
                1, weight.baseAddress! + channel * depth, blasint(depth),
                source + group * depth * stride + first, blasint(stride),
                0, target, blasint(plane))
        }
        bias.withUnsafeBufferPointer { bias in
            for offset in 0..<channelCount {
                addBias(bias[channel + offset], to: target + offset * plane, count: pixelCount)
            }
        }
    }

    private func addBias(_ bias: Float, to values: UnsafeMutablePointer<Float>, count: Int) {
        if convolution.relu {
            for index in 0..<count { values[index] = rectified(values[index] + bias) }
        } else {
            for index in 0..<count { values[index] += bias }
        }
    }

    /// Fills the rows of `columns [I * k * k, pixels]` that belong to one input channel.
    private func layOutColumns(of channel: Int, _ band: Band) {
        let rows = band.rows
        let (kernel, stride, padding) = (
            convolution.kernel, convolution.stride, convolution.padding
        )
        let plane = band.input + channel * self.input.height * self.input.width
        let width = self.output.width
        var target = band.columns + channel * kernel * kernel * rows.count * width
        for kernelRow in 0..<kernel {
            for kernelColumn in 0..<kernel {
                // Output columns whose input column, x * stride + kernelColumn - padding, is inside.
                let shift = padding - kernelColumn
                let begin = min(width, max(0, (shift + stride - 1) / stride))
                let end = min(width, max(begin, (self.input.width - 1 + shift + stride) / stride))
                for row in rows {
                    let inputRow = row * stride + kernelRow - padding
                    if inputRow < 0 || inputRow >= self.input.height {
                        target.update(repeating: 0, count: width)
                    } else {
                        target.update(repeating: 0, count: begin)
                        let source = plane + inputRow * self.input.width
                        if stride == 1 {
                            (target + begin).update(
                                from: source + (begin - shift), count: end - begin)
                        } else {
                            for column in begin..<end {
                                target[column] = source[column * stride - shift]
                            }
                        }
                        (target + end).update(repeating: 0, count: width - end)
                    }
                    target += width
                }
            }
        }
    }
}

/// `max(0, value)` that lets NaN through.
@inline(__always)
func rectified(_ value: Float) -> Float { value < 0 ? 0 : value }
