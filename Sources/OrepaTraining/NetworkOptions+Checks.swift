import OrepaNetwork

// What options come to for a network that was recognised.

extension NetworkOptions {
    func batchNormEpsilon(for network: RecognizedNetwork) throws(TrainingError) -> Double {
        let epsilon = batchNormEpsilon ?? NetworkOptions.defaultBatchNormEpsilon
        guard epsilon > 0, epsilon.isFinite else {
            throw .batchNormEpsilon(path: network.path, found: epsilon)
        }
        return epsilon
    }

    /// - Throws: Where the options name a stem that the family has not, and where the first kernel is too small to say
    ///   which it is.
    func stem(for network: RecognizedNetwork) throws(TrainingError) -> NetworkAssumptions.Stem? {
        guard network.family != .repVGG else {
            if let stem {
                throw .stemOfRepVGG(path: network.path, block: network.dialect.stem, found: stem)
            }
            return nil
        }
        if let stem { return stem }
        guard network.isStemAmbiguous else { return .imageNet }
        throw .ambiguousStem(path: network.path, kernel: network.stem.geometry.kernel)
    }

    func strides(
        for network: RecognizedNetwork, stem: NetworkAssumptions.Stem?
    ) throws(TrainingError) -> [Int] {
        var published = [Int](repeating: 2, count: network.stageSizes.count + 1)
        if network.family != .repVGG { published[1] = 1 }
        if stem == .small { published[0] = 1 }
        guard let strides else { return published }
        guard strides.count == published.count,
            strides.allSatisfy(NetworkOptions.possibleStrides.contains)
        else {
            throw .strides(
                path: network.path, family: network.dialect.family, stem: network.dialect.stem,
                expected: published, found: strides)
        }
        return strides
    }
}
