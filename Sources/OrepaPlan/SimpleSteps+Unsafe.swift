import COpenBLAS
import OrepaNetwork

/// Max pooling of `[C, H, W]`; a NaN under the window gives NaN.
struct MaxPoolStep: Sendable {
    let pool: MaxPool
    let input: Shape
    let output: Shape

    private struct Call {
        let step: MaxPoolStep
        let input: UnsafePointer<Float>
        let output: UnsafeMutablePointer<Float>
    }

    func run(
        input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, workers: WorkerPool
    ) {
        let call = Call(step: self, input: input, output: output)
        workers.run(self.input.channels, call) { call, channel, _ in
            let call = call.assumingMemoryBound(to: Call.self).pointee
            let (step, height, width) = (call.step, call.step.input.height, call.step.input.width)
            let plane = call.input + channel * height * width
            var target = call.output + channel * step.output.height * step.output.width
            for row in 0..<step.output.height {
                let top = row * step.pool.stride - step.pool.padding
                let rows = max(top, 0)..<min(top + step.pool.kernel, height)
                for column in 0..<step.output.width {
                    let left = column * step.pool.stride - step.pool.padding
                    let columns = max(left, 0)..<min(left + step.pool.kernel, width)
                    target.pointee = MaxPoolStep.largest(plane, width, rows: rows, columns: columns)
                    target += 1
                }
            }
        }
    }

    private static func largest(
        _ plane: UnsafePointer<Float>, _ width: Int, rows: Range<Int>, columns: Range<Int>
    ) -> Float {
        var largest = -Float.infinity
        for row in rows {
            for column in columns {
                let value = plane[row * width + column]
                if value.isNaN { return value }
                if value > largest { largest = value }
            }
        }
        return largest
    }
}

/// `max(0, a + b)`.
struct AddReLUStep: Sendable {
    let shape: Shape

    private struct Call {
        let plane: Int
        let first: UnsafePointer<Float>
        let second: UnsafePointer<Float>
        let output: UnsafeMutablePointer<Float>
    }

    func run(
        _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>,
        output: UnsafeMutablePointer<Float>, workers: WorkerPool
    ) {
        let call = Call(
            plane: shape.height * shape.width, first: first, second: second, output: output)
        workers.run(shape.channels, call) { call, channel, _ in
            let call = call.assumingMemoryBound(to: Call.self).pointee
            for index in channel * call.plane..<(channel + 1) * call.plane {
                call.output[index] = rectified(call.first[index] + call.second[index])
            }
        }
    }
}

/// The mean over height and width, summed in Float64.
struct GlobalAveragePoolStep: Sendable {
    let input: Shape

    func run(input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>) {
        let plane = self.input.height * self.input.width
        for channel in 0..<self.input.channels {
            var sum = 0.0
            for index in channel * plane..<(channel + 1) * plane { sum += Double(input[index]) }
            output[channel] = Float(sum / Double(plane))
        }
    }
}

/// `weight [O, I]` times `input [I]`, plus `bias [O]`.
struct LinearStep: Sendable {
    let linear: Linear
    let weight: Tensor
    let bias: Tensor

    func run(input: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>) {
        bias.withUnsafeBufferPointer { output.update(from: $0.baseAddress!, count: $0.count) }
        weight.withUnsafeBufferPointer { weight in
            cblas_sgemv(
                CblasRowMajor, CblasNoTrans,
                blasint(linear.outputFeatures), blasint(linear.inputFeatures),
                1, weight.baseAddress!, blasint(linear.inputFeatures), input, 1, 1, output, 1)
        }
    }
}
