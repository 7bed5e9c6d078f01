import OrepaCheckpoint
import OrepaFiles

/// The weight of a convolution: `[outputs, inputs, size, size]`, row-major, where `inputs` are the channels
/// of one group.
///
/// The values are Float64, but what a checkpoint holds in fewer bits stays in Float32, which is exact, until
/// it is used: the largest tensors are most of what a conversion has in memory.
struct Filter {
    let outputs: Int
    let inputs: Int
    let size: Int
    private var values: Values

    private enum Values {
        case float32([Float])
        case float64([Double])
    }

    /// - Precondition: `shape` has four extents, the last two alike, and `values` fill it.
    init(shape: [Int], values: [Double]) {
        self.init(shape: shape, .float64(values))
        precondition(shape.reduce(1, *) == values.count)
    }

    /// The values of `tensor`, whose pages are released. `shape` is its own, or the same with extents of 1
    /// added.
    init(_ tensor: CheckpointTensor, shape: [Int]? = nil) throws(CheckpointError) {
        defer { tensor.releasePages() }
        if tensor.elementType == .float64 {
            self.init(shape: shape ?? tensor.shape, .float64(try tensor.doubles()))
        } else {
            self.init(shape: shape ?? tensor.shape, .float32(try tensor.floats()))
        }
    }

    private init(shape: [Int], _ values: Values) {
        precondition(shape.count == 4 && shape[2] == shape[3])
        (outputs, inputs, size) = (shape[0], shape[1], shape[2])
        self.values = values
    }

    /// The values of some output channels in Float64: `[rows.count, inputs, size, size]`.
    func values(of rows: Range<Int>) -> [Double] {
        let count = inputs * size * size
        let range = rows.lowerBound * count..<rows.upperBound * count
        return switch values {
        case .float32(let values): values[range].map(Double.init)
        case .float64(let values): Array(values[range])
        }
    }

    /// The sum with an identity, which gives output channel `t` the input `t mod inputs` of its group, or
    /// with another filter's values of the same shape.
    ///
    /// - Precondition: the kernel is 1x1.
    func addingIdentity(_ identity: [Double]? = nil) -> Filter {
        precondition(size == 1)
        var sum = values(of: 0..<outputs)
        if let identity {
            for index in sum.indices { sum[index] += identity[index] }
        } else {
            for row in 0..<outputs { sum[row * inputs + row % inputs] += 1 }
        }
        return Filter(shape: [outputs, inputs, 1, 1], values: sum)
    }

    /// Each kernel turned by 180 degrees.
    func rotated() -> Filter {
        let taps = size * size
        return rearranged { $0 / taps * taps + taps - 1 - $0 % taps }
    }

    /// The filter whose output channel `o` is this one's `source(o)`.
    func permuted(_ source: (Int) -> Int) -> Filter {
        let count = inputs * size * size
        return rearranged { source($0 / count) * count + $0 % count }
    }

    private func rearranged(_ source: (Int) -> Int) -> Filter {
        var result = self
        switch values {
        case .float32(let values):
            result.values = .float32(values.indices.map { values[source($0)] })
        case .float64(let values):
            result.values = .float64(values.indices.map { values[source($0)] })
        }
        return result
    }
}
