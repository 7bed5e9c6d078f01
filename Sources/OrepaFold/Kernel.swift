/// A sum of branches' kernels in the making, in Double.
///
/// It is stored `[O, k * k, I / groups]`, taps before input channels, so that every branch, whose value at a
/// tap depends on the input channel, is added by loops and matrix products over contiguous rows.
struct Kernel {
    /// Output channels `O`.
    let outputs: Int
    /// Input channels of one group, `I / groups`.
    let inputs: Int
    /// Height and width `k`.
    let size: Int
    let groups: Int
    /// `k * k`.
    let taps: Int
    var values: [Double]

    /// All zeros.
    init(outputs: Int, inputs: Int, size: Int, groups: Int) {
        self.outputs = outputs
        self.inputs = inputs
        self.size = size
        self.groups = groups
        taps = size * size
        values = [Double](repeating: 0, count: outputs * inputs * size * size)
    }

    /// The element at `flat`, counted in the order `[O, I / groups, k, k]` of the folded tensor.
    func element(_ flat: Int) -> Double {
        let (row, rest) = flat.quotientAndRemainder(dividingBy: inputs * taps)
        let (input, tap) = rest.quotientAndRemainder(dividingBy: taps)
        return values[(row * taps + tap) * inputs + input]
    }

    /// Adds `scale[o]` at the centre of `[o, o mod (I / groups)]`: a convolution that gives back its input,
    /// scaled.
    mutating func addIdentity(scale: [Double]) {
        for output in 0..<outputs {
            values[(output * taps + taps / 2) * inputs + output % inputs] += scale[output]
        }
    }
}
