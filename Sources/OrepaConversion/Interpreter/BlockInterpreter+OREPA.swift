import Glibc
import OrepaCheckpoint
import OrepaTraining

extension BlockInterpreter {
    /// Generated branches and one batch norm.
    func orepa(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let sum = try GeneratedConvolution(of: self, BlockNames.OREPA.generated)
            .output(
                of: x, stride: convolution.stride, padding: convolution.padding,
                groups: convolution.groups)
        return try normalize(sum, BlockNames.OREPA.norm)
    }

    /// A 1x1 convolution and two in a row, each sum of the two scaled by channel, and one batch norm.
    func orepa1x1(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let scales = try values(BlockNames.OREPA1x1.vector)
        let outputs = convolution.outputChannels
        let origin = try convolve(x, BlockNames.OREPA1x1.origin).scaled(by: scales[..<outputs])
        let hidden = try x.convolved(with: filter(BlockNames.OREPA1x1.first))
        let inTurn = try convolve(hidden, BlockNames.OREPA1x1.second)
            .scaled(by: scales[outputs...])
        return try normalize(origin + inTurn, BlockNames.OREPA1x1.norm)
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
            let plain = BlockNames.OREPALarge.plain(step)
            if has(plain) {
                let weight = try filter(plain)
                y = y.convolved(with: step == 0 ? weight : weight.rotated(), stride: stride)
            } else {
                y = try GeneratedConvolution(
                    of: self, BlockNames.OREPALarge.generated(step), isRotated: step > 0
                ).output(of: y, stride: stride, padding: 0, groups: 1)
            }
        }
        return try normalize(y, BlockNames.OREPALarge.norm)
    }
}

/// The branches that generate a kernel in training, each run on the feature map, scaled by its row of
/// `vector`, and added.
struct GeneratedConvolution {
    let interpreter: BlockInterpreter
    let names: GeneratedNames
    /// Whether every k x k kernel is turned by 180 degrees.
    let isRotated: Bool

    init(
        of interpreter: BlockInterpreter, _ names: GeneratedNames, isRotated: Bool = false
    ) {
        self.interpreter = interpreter
        self.names = names
        self.isRotated = isRotated
    }

    func output(
        of x: FeatureMap, stride: Int, padding: Int, groups: Int
    ) throws(CheckpointError) -> FeatureMap {
        let scales = try interpreter.values(names.vector)
        let origin = try kernel(names.origin)
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
                x.convolved(with: filter(names.averagedPointwise), groups: groups)
                    .convolved(
                        with: turned(average), stride: stride, padding: padding, groups: outputs))

        // 1x1, then a fixed frequency filter for each channel.
        sum =
            try sum
            + scaled(
                x.convolved(with: filter(names.filteredPointwise), groups: groups)
                    .convolved(
                        with: turned(prior(outputs, size)), stride: stride, padding: padding,
                        groups: outputs))

        // 1x1 about the identity, then k x k.
        sum =
            try sum
            + scaled(
                x.convolved(with: hidden(), groups: groups)
                    .convolved(
                        with: kernel(names.second), stride: stride, padding: padding,
                        groups: groups))

        // 1x1 on the pixel at the kernel's centre.
        if let pointwise = names.pointwise {
            sum =
                try sum
                + scaled(
                    x.convolved(
                        with: filter(pointwise), stride: stride, padding: padding - size / 2,
                        groups: groups))
        }

        // Depthwise, eight filters for each channel, then pointwise. The training code lays the pointwise
        // rows out with the group as the fastest index: output `o` of group `c` has row `o * groups + c`.
        let channels = outputs / groups
        let pointwise = try filter(names.depthwisePointwise).permuted { output in
            output % channels * groups + output / channels
        }
        sum =
            try sum
            + scaled(
                x.convolved(
                    with: kernel(names.depthwise), stride: stride, padding: padding,
                    groups: x.shape.channels
                ).convolved(with: pointwise, groups: groups))
        return sum
    }

    private func filter(_ name: String) throws(CheckpointError) -> Filter {
        try interpreter.filter(name)
    }

    private func turned(_ filter: Filter) -> Filter { isRotated ? filter.rotated() : filter }

    /// A k x k filter of the file, turned where that is asked for.
    private func kernel(_ name: String) throws(CheckpointError) -> Filter {
        turned(try filter(name))
    }

    /// The first filter of the 1x1-kxk branch, with the identity that is beside it in the file:
    /// `id[t, t mod (I / g)] = 1`. One that widens its input stands alone.
    private func hidden() throws(CheckpointError) -> Filter {
        guard !interpreter.has(names.wideningPointwise) else {
            return try filter(names.wideningPointwise)
        }
        return try filter(names.identityPointwise)
            .addingIdentity(interpreter.buffer(names.identity))
    }

    private func averageTaps(_ size: Int) throws(CheckpointError) -> [Double] {
        let taps = size * size
        return try interpreter.buffer(names.average)
            ?? Array(repeating: 1 / Double(taps), count: taps)
    }

    /// The frequency filters, from the file or else by their formula:
    /// `cos(pi (h + 1/2)(o + 1) / 3)` for the first half of the channels, and the same across for the others.
    private func prior(_ outputs: Int, _ size: Int) throws(CheckpointError) -> Filter {
        let shape = [outputs, 1, size, size]
        if let values = try interpreter.buffer(names.prior) {
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
