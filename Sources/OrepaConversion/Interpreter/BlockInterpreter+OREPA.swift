import Glibc
import OrepaCheckpoint

extension BlockInterpreter {
    /// Generated branches and one batch norm.
    func orepa(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let sum = try GeneratedConvolution(of: self, in: "", family: "orepa")
            .output(
                of: x, stride: convolution.stride, padding: convolution.padding,
                groups: convolution.groups)
        return try normalize(sum, "bn")
    }

    /// A 1x1 convolution and two in a row, each sum of the two scaled by channel, and one batch norm.
    func orepa1x1(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let scales = try values("vector")
        let outputs = convolution.outputChannels
        let origin = try convolve(x, "weight_or1x1_origin").scaled(by: scales[..<outputs])
        let hidden = try x.convolved(with: filter("weight_or1x1_l2i_conv1"))
        let inTurn = try convolve(hidden, "weight_or1x1_l2i_conv2").scaled(by: scales[outputs...])
        return try normalize(origin + inTurn, "bn")
    }

    /// 3x3 convolutions in a row and one batch norm.
    ///
    /// The training code composes their kernels without the turn by 180 degrees that a row of layers
    /// amounts to, so all but the first are turned here. The picture is padded once, before the first, and
    /// the stride is the last one's.
    func orepaLarge(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let count = (convolution.kernel - 1) / 2
        var y = x.padded(by: convolution.kernel / 2)
        for step in 0..<count {
            let stride = step == count - 1 ? convolution.stride : 1
            if block.tensors["weight\(step)"] != nil {
                let weight = try filter("weight\(step)")
                y = y.convolved(with: step == 0 ? weight : weight.rotated(), stride: stride)
            } else {
                y = try GeneratedConvolution(
                    of: self, in: "weight\(step).", family: "orepa", isRotated: step > 0
                ).output(of: y, stride: stride, padding: 0, groups: 1)
            }
        }
        return try normalize(y, "bn")
    }
}

/// The branches that generate a kernel in training, each run on the feature map, scaled by its row of
/// `vector`, and added.
struct GeneratedConvolution {
    let interpreter: BlockInterpreter
    /// What the names begin with before `weight_`, `vector` and `id_tensor`.
    let container: String
    /// `rbr` or `orepa`, which names begin with after `weight_`.
    let family: String
    /// Whether every k x k kernel is turned by 180 degrees.
    let isRotated: Bool

    init(
        of interpreter: BlockInterpreter, in container: String, family: String,
        isRotated: Bool = false
    ) {
        self.interpreter = interpreter
        self.container = container
        self.family = family
        self.isRotated = isRotated
    }

    func output(
        of x: FeatureMap, stride: Int, padding: Int, groups: Int
    ) throws(CheckpointError) -> FeatureMap {
        let scales = try interpreter.values("\(container)vector")
        let origin = try kernel("origin")
        let outputs = origin.outputs
        let size = origin.size
        // One row of the scales for each branch, in the order of the branches.
        var row = 0
        func scaled(_ branch: FeatureMap) -> FeatureMap {
            defer { row += 1 }
            return branch.scaled(by: scales[row * outputs..<(row + 1) * outputs])
        }

        var sum = scaled(
            x.convolved(with: origin, stride: stride, padding: padding, groups: groups))

        // 1x1, then the average of each window, the same for every channel.
        let taps = try averageTaps(size)
        let average = Filter(
            shape: [outputs, 1, size, size], values: (0..<outputs).flatMap { _ in taps })
        sum =
            try sum
            + scaled(
                x.convolved(with: filter("avg_conv"), groups: groups)
                    .convolved(
                        with: turned(average), stride: stride, padding: padding, groups: outputs))

        // 1x1, then a fixed frequency filter for each channel.
        sum =
            try sum
            + scaled(
                x.convolved(with: filter("pfir_conv"), groups: groups)
                    .convolved(
                        with: turned(prior(outputs, size)), stride: stride, padding: padding,
                        groups: outputs))

        // 1x1 about the identity, then k x k.
        sum =
            try sum
            + scaled(
                x.convolved(with: hidden(), groups: groups)
                    .convolved(
                        with: kernel("1x1_kxk_conv2"), stride: stride, padding: padding,
                        groups: groups))

        // 1x1 on the pixel at the kernel's centre.
        if interpreter.block.tensors[name("1x1")] != nil {
            sum =
                try sum
                + scaled(
                    x.convolved(
                        with: filter("1x1"), stride: stride, padding: padding - size / 2,
                        groups: groups))
        }

        // Depthwise, eight filters for each channel, then pointwise. The training code lays the pointwise
        // rows out with the group as the fastest index: output `o` of group `c` has row `o * groups + c`.
        let channels = outputs / groups
        let pointwise = try filter("gconv_pw").permuted { output in
            output % channels * groups + output / channels
        }
        sum =
            try sum
            + scaled(
                x.convolved(
                    with: kernel("gconv_dw"), stride: stride, padding: padding,
                    groups: x.shape.channels
                ).convolved(with: pointwise, groups: groups))
        return sum
    }

    private func name(_ branch: String) -> String { "\(container)weight_\(family)_\(branch)" }

    private func filter(_ branch: String) throws(CheckpointError) -> Filter {
        try interpreter.filter(name(branch))
    }

    private func turned(_ filter: Filter) -> Filter { isRotated ? filter.rotated() : filter }

    /// A k x k filter of the file, turned where that is asked for.
    private func kernel(_ branch: String) throws(CheckpointError) -> Filter {
        turned(try filter(branch))
    }

    /// The first filter of the 1x1-kxk branch, with the identity that is beside it in the file:
    /// `id[t, t mod (I / g)] = 1`. One that widens its input stands alone.
    private func hidden() throws(CheckpointError) -> Filter {
        let widening = "1x1_kxk_conv1"
        guard interpreter.block.tensors[name(widening)] == nil else { return try filter(widening) }
        return try filter("1x1_kxk_idconv1")
            .addingIdentity(interpreter.buffer("\(container)id_tensor"))
    }

    private func averageTaps(_ size: Int) throws(CheckpointError) -> [Double] {
        let taps = size * size
        return try interpreter.buffer(name("avg_avg"))
            ?? Array(repeating: 1 / Double(taps), count: taps)
    }

    /// The frequency filters, from the file or else by their formula:
    /// `cos(pi (h + 1/2)(o + 1) / 3)` for the first half of the channels, and the same across for the others.
    private func prior(_ outputs: Int, _ size: Int) throws(CheckpointError) -> Filter {
        let shape = [outputs, 1, size, size]
        if let values = try interpreter.buffer(name("prior")) {
            return Filter(shape: shape, values: values)
        }
        let half = outputs / 2
        var values: [Double] = []
        for output in 0..<outputs {
            for row in 0..<size {
                for column in 0..<size {
                    let position = Double(output < half ? row : column) + 0.5
                    let frequency = Double(output < half ? output + 1 : output + 1 - half)
                    values.append(cos(.pi * position * frequency / 3))
                }
            }
        }
        return Filter(shape: shape, values: values)
    }
}
