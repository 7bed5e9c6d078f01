import OrepaNetwork

/// A feature map of one picture in Float64: `[channels, height, width]`, row-major.
///
/// The operations are those of a training-time network in evaluation mode, each as PyTorch defines it:
/// written to be read, not to be fast.
package struct FeatureMap: Sendable {
    package let shape: Shape
    package private(set) var values: [Double]

    /// - Precondition: `values` fill `shape`.
    package init(shape: Shape, values: [Double]) {
        precondition(values.count == shape.elementCount, "a feature map's values must fill it")
        self.shape = shape
        self.values = values
    }

    /// Pixels of a channel.
    var planeCount: Int { shape.height * shape.width }

    /// The values rounded to Float32.
    var rounded: [Float] { values.map(Float.init) }

    /// The sum of two maps of one shape.
    static func + (first: FeatureMap, second: FeatureMap) -> FeatureMap {
        precondition(first.shape == second.shape, "summands must have one shape")
        var sum = first
        for index in sum.values.indices { sum.values[index] += second.values[index] }
        return sum
    }

    /// Each channel times its scale, plus its shift.
    func scaled(by scales: some Collection<Double>, plus shifts: [Double]? = nil) -> FeatureMap {
        var result = self
        for (channel, scale) in scales.enumerated() {
            let shift = shifts?[channel] ?? 0
            for index in channel * planeCount..<(channel + 1) * planeCount {
                result.values[index] = result.values[index] * scale + shift
            }
        }
        return result
    }

    func activated(by activation: Activation) -> FeatureMap {
        switch activation {
        case .identity: self
        // NaN stays NaN.
        case .relu: FeatureMap(shape: shape, values: values.map { $0 < 0 ? 0 : $0 })
        }
    }

    /// `count` rows and columns more on each side, filled with a value per channel, or zeros.
    func padded(by count: Int, with border: [Double]? = nil) -> FeatureMap {
        let padded = Shape(
            channels: shape.channels, height: shape.height + 2 * count,
            width: shape.width + 2 * count)
        var result: [Double] = []
        result.reserveCapacity(padded.elementCount)
        for channel in 0..<shape.channels {
            let fill = border?[channel] ?? 0
            result.append(contentsOf: repeatElement(fill, count: count * padded.width))
            for row in 0..<shape.height {
                let start = channel * planeCount + row * shape.width
                result.append(contentsOf: repeatElement(fill, count: count))
                result.append(contentsOf: values[start..<start + shape.width])
                result.append(contentsOf: repeatElement(fill, count: count))
            }
            result.append(contentsOf: repeatElement(fill, count: count * padded.width))
        }
        return FeatureMap(shape: padded, values: result)
    }

    /// The largest value under each window; the padding never wins.
    func maxPooled(_ pool: MaxPool) -> FeatureMap {
        padded(by: pool.padding, with: Array(repeating: -.infinity, count: shape.channels))
            .pooled(kernel: pool.kernel, stride: pool.stride) { window in
                // Unlike Swift's `max`, lets NaN win.
                window.reduce(-.infinity) { $1 > $0 || $1.isNaN ? $1 : $0 }
            }
    }

    /// The mean of each window, without padding.
    func averagePooled(kernel: Int, stride: Int) -> FeatureMap {
        pooled(kernel: kernel, stride: stride) { $0.reduce(0, +) / Double($0.count) }
    }

    /// The mean of each channel: `[C, 1, 1]`.
    func globallyAveraged() -> FeatureMap {
        FeatureMap(
            shape: Shape(channels: shape.channels, height: 1, width: 1),
            values: (0..<shape.channels).map {
                values[$0 * planeCount..<($0 + 1) * planeCount].reduce(0, +) / Double(planeCount)
            })
    }

    private func pooled(kernel: Int, stride: Int, _ pool: ([Double]) -> Double) -> FeatureMap {
        let output = Shape(
            channels: shape.channels, height: (shape.height - kernel) / stride + 1,
            width: (shape.width - kernel) / stride + 1)
        var result: [Double] = []
        result.reserveCapacity(output.elementCount)
        var window = [Double](repeating: 0, count: kernel * kernel)
        for channel in 0..<output.channels {
            for row in 0..<output.height {
                for column in 0..<output.width {
                    for tap in window.indices {
                        let y = row * stride + tap / kernel
                        let x = column * stride + tap % kernel
                        window[tap] = values[channel * planeCount + y * shape.width + x]
                    }
                    result.append(pool(window))
                }
            }
        }
        return FeatureMap(shape: output, values: result)
    }
}
