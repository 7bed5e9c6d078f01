/// The weight of a convolution in Float64: `[outputs, inputs, size, size]`, row-major, where `inputs` are
/// the channels of one group.
struct Filter {
    let outputs: Int
    let inputs: Int
    let size: Int
    var values: [Double]

    /// - Precondition: `shape` has four extents, the last two alike, and `values` fill it.
    init(shape: [Int], values: [Double]) {
        precondition(shape.count == 4 && shape[2] == shape[3] && shape.reduce(1, *) == values.count)
        (outputs, inputs, size) = (shape[0], shape[1], shape[2])
        self.values = values
    }

    /// Each kernel turned by 180 degrees.
    func rotated() -> Filter {
        var result = self
        let taps = size * size
        for kernel in 0..<outputs * inputs {
            for tap in 0..<taps {
                result.values[kernel * taps + tap] = values[kernel * taps + taps - 1 - tap]
            }
        }
        return result
    }

    /// The filter whose output channel `o` is this one's `source(o)`.
    func permuted(_ source: (Int) -> Int) -> Filter {
        let count = inputs * size * size
        var result = self
        for output in 0..<outputs {
            let row = source(output) * count
            for index in 0..<count {
                result.values[output * count + index] = values[row + index]
            }
        }
        return result
    }
}
