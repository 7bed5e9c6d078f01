import OrepaNetwork

// What options come to for the network that the keys describe.

extension NetworkOptions {
    func batchNormEpsilon(for path: String) throws(TrainingError) -> Double {
        let epsilon = batchNormEpsilon ?? NetworkOptions.defaultBatchNormEpsilon
        guard epsilon > 0, epsilon.isFinite else {
            throw .batchNormEpsilon(path: path, found: epsilon)
        }
        return epsilon
    }

    /// - Throws: Where the options name a stem that the family has not, where the first kernel is too small to say
    ///   which it is, and where there are several convolutions before the first stage.
    func stem(
        for keys: KeyIndex, path: String
    ) throws(TrainingError) -> NetworkAssumptions.Stem? {
        if let convolutions = keys.deepStem {
            throw .deepStem(path: path, convolutions: convolutions)
        }
        guard keys.family != .repVGG else {
            if let stem { throw .stemOfRepVGG(path: path, found: stem) }
            return nil
        }
        if let stem { return stem }
        guard let kernel = keys.stemKernel, kernel <= NetworkOptions.ambiguousStemKernel else {
            return .imageNet
        }
        throw .ambiguousStem(path: path, kernel: kernel)
    }

    func strides(
        for family: Family, stem: NetworkAssumptions.Stem?, stageCount: Int, path: String
    ) throws(TrainingError) -> [Int] {
        var published = [Int](repeating: 2, count: stageCount + 1)
        if family != .repVGG { published[1] = 1 }
        if stem == .small { published[0] = 1 }
        guard let strides else { return published }
        guard strides.count == published.count,
            strides.allSatisfy(NetworkOptions.possibleStrides.contains)
        else {
            throw .strides(path: path, family: family, expected: published, found: strides)
        }
        return strides
    }
}

extension KeyIndex {
    /// Height of the ResNet's first kernel; nil where no tensor tells, which is an error of its own.
    var stemKernel: Int? {
        guard let tensors = blocks["stage0.conv1"] else { return nil }
        let found = tensors.mapValues(\.shape)
        // Stacked 3x3 kernels make one larger.
        if found.keys.contains(where: { $0.hasPrefix("weight0") }) {
            return 2 * BlockLayout.largeCount(found) + 1
        }
        return found.values.filter { $0.count == 4 && $0[2] == $0[3] }.map { $0[2] }.max()
    }

    /// The convolutions before the first stage of a residual network, where there are several: as ResNet-C, ResNet-D
    /// and their like have.
    var deepStem: [String]? {
        let isResidual =
            family != .repVGG
            || blocks["stage1.0"]?.keys.contains { $0.hasPrefix("conv1.") } ?? false
        guard isResidual, stemConvolutions.count > 1 else { return nil }
        return stemConvolutions.map(\.text).sorted()
    }

    /// The module that `parts`, the name of a convolution's weight, are of; nil where it is not before the first stage.
    static func stemConvolution(_ parts: [Substring]) -> String? {
        guard parts.count > 2, parts[0] == "stage0" else { return nil }
        func isNumber(_ text: Substring) -> Bool {
            !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        }
        let isNumbered = parts[1] == "conv1" && parts.count > 3 && isNumber(parts[2])
        guard isNumber(parts[1]) || parts[1].hasPrefix("conv") else { return nil }
        return parts.prefix(isNumbered ? 3 : 2).joined(separator: ".")
    }
}
