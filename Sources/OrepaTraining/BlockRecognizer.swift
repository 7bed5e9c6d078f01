import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork

/// Where a block stands, which says what its tensors cannot.
struct BlockPosition {
    let place: NetworkPlace
    /// Nil for the first block, whose weights say how many channels a picture has.
    let inputChannels: Int?
    /// The kernel size that the place asks for, or nil where any odd one will do.
    var kernel: Int?
}

/// Turns the tensors at one place into a ``RecognizedBlock``, or says what is wrong with them.
struct BlockRecognizer {
    let path: String
    let dialect: Dialect
    /// Keys that belong to no block, among which a missing key's misspelling may be.
    let strays: [String]

    func block(
        _ tensors: [ByteName: CheckpointTensor], at position: BlockPosition
    ) throws(TrainingError) -> RecognizedBlock {
        let place = position.place
        let found = tensors.mapValues(\.shape)
        let kind = try kind(tensors, found, at: place)
        func layout() throws(TrainingError) -> [ExpectedTensor] {
            BlockLayout.tensors(kind, try self.geometry(kind, found, at: position), found: found)
        }
        func checkKeys(_ known: [String]) throws(TrainingError) {
            let names = Set(known.map { ByteName($0) })
            let unknown = found.keys.filter { !names.contains($0) && !isTally($0, of: names) }
            guard let name = unknown.min() else { return }
            // Names that only blocks of other shapes have are no good advice.
            let expected = (try? layout())?.map(\.name) ?? known
            throw .unknownKey(
                path: path, key: tensors[name]?.name ?? "", block: dialect.name(of: place),
                kind: kind,
                nearest: nearestKey(to: name.text, among: expected).map { dialect.key(place, $0) })
        }
        try checkKeys(BlockLayout.names(kind, found: found))
        let geometry = try geometry(kind, found, at: position)
        let expectedTensors = BlockLayout.tensors(kind, geometry, found: found)
        try checkKeys(expectedTensors.map(\.name))
        var used: [ByteName: CheckpointTensor] = [:]
        for expected in expectedTensors {
            used[expected.name] = try check(
                tensors[expected.name], expected, at: place, kind: kind)
        }
        return RecognizedBlock(
            place: place, kind: kind, geometry: geometry,
            foldedName: kind.foldedName ?? BlockLayout.usedFoldedName(found), tensors: used)
    }

    /// Checks one tensor against what is expected; nil where it is absent and may be.
    ///
    /// - Parameter kind: Of the block at `place`, where there is one.
    func check(
        _ tensor: CheckpointTensor?, _ expected: ExpectedTensor, at place: NetworkPlace,
        kind: BlockKind?
    ) throws(TrainingError) -> CheckpointTensor? {
        guard let tensor else {
            guard !BlockNames.isRecomputable(expected.name) else { return nil }
            throw missing(expected.name, at: place, kind: kind, expected: expected.shape)
        }
        guard tensor.shape == expected.shape else {
            throw .shape(
                path: path, key: tensor.name, expected: expected.shape, found: tensor.shape)
        }
        guard tensor.elementType.isFloatingPoint else {
            throw .elementType(path: path, key: tensor.name, found: tensor.elementType)
        }
        return tensor
    }

    private func missing(
        _ name: String, at place: NetworkPlace, kind: BlockKind?, expected: [Int]?
    ) -> TrainingError {
        let key = dialect.key(place, name)
        return .missingKey(
            path: path, key: key, block: kind == nil ? nil : dialect.name(of: place), kind: kind,
            expected: expected,
            nearest: nearestKey(to: key, among: strays, within: key.utf8.count / 4))
    }

    /// The kind most of whose names are there.
    private func kind(
        _ tensors: [ByteName: CheckpointTensor], _ found: [ByteName: [Int]], at place: NetworkPlace
    ) throws(TrainingError) -> BlockKind {
        var best: (kind: BlockKind, count: Int)?
        for kind in BlockKind.allCases {
            let count = BlockLayout.names(kind, found: found).count { found[$0] != nil }
            if count > best?.count ?? 0 { best = (kind, count) }
        }
        guard let best else {
            throw .unknownBlock(
                path: path, block: dialect.name(of: place),
                found: tensors.sorted { $0.key < $1.key }.prefix(3).map(\.value.name))
        }
        return best.kind
    }

    /// Whether `name` is the tally of a batch norm that `known` has.
    private func isTally(_ name: ByteName, of known: Set<ByteName>) -> Bool {
        let suffix = ".\(BatchNormNames.tally)"
        guard name.hasSuffix(suffix) else { return false }
        let norm = BatchNormNames(String(name.text.dropLast(suffix.count)))
        return known.contains(ByteName(norm.mean))
    }

    private func geometry(
        _ kind: BlockKind, _ found: [ByteName: [Int]], at position: BlockPosition
    ) throws(TrainingError) -> BlockGeometry {
        let place = position.place
        func shape(_ name: String) throws(TrainingError) -> [Int] {
            guard let shape = found[name] else {
                throw missing(name, at: place, kind: kind, expected: nil)
            }
            return shape
        }
        let leading = BlockLayout.leading(kind, found: found)
        let weight = try shape(leading)
        let fixedKernel: Int? =
            switch kind {
            case .repVGG, .orepaRepVGG, .orepaLarge: 3
            case .orepa1x1: 1
            case .convBN, .orepa, .dbb, .folded: nil
            }
        let isGrouped =
            switch kind {
            case .orepaRepVGG, .orepa1x1, .orepaLarge: false
            case .convBN, .repVGG, .orepa, .dbb, .folded: true
            }
        func refuse(_ name: String, _ found: [Int], kernel: Int?) -> TrainingError {
            let inputs = position.inputChannels.map(String.init) ?? "I"
            let k = kernel.map(String.init) ?? "k"
            let groups = isGrouped && position.inputChannels != nil
            let conditions = [
                groups ? "O divisible by groups" : nil, kernel == nil ? "k odd" : nil,
            ].compactMap(\.self)
            return .convolutionShape(
                path: path, key: dialect.key(place, name),
                expected: "[O, \(inputs)\(groups ? " / groups" : ""), \(k), \(k)]"
                    + (conditions.isEmpty ? "" : " with " + conditions.joined(separator: " and ")),
                found: found)
        }
        func isKernel(_ shape: [Int]) -> Bool {
            shape.count == 4 && shape.allSatisfy { 1...Graph.largestDimension ~= $0 }
                && shape[2] == shape[3] && shape[2] % 2 == 1
        }
        let wanted = kind == .orepaLarge ? fixedKernel : position.kernel ?? fixedKernel
        guard isKernel(weight), wanted == nil || weight[2] == wanted,
            fixedKernel == nil || weight[2] == fixedKernel
        else { throw refuse(leading, weight, kernel: wanted) }
        let inputs = position.inputChannels ?? weight[1]
        let groups = inputs / weight[1]
        var outputs = weight[0]
        var kernel = weight[2]
        guard inputs % weight[1] == 0, isGrouped || groups == 1, outputs % groups == 0,
            // Average pooling alone, which a depthwise DBB block has, keeps its input's channels.
            !(kind == .dbb && groups == outputs && inputs != outputs)
        else { throw refuse(leading, weight, kernel: wanted) }
        if kind == .orepaLarge {
            let count = BlockLayout.largeCount(found)
            kernel = 2 * count + 1
            var previous = weight[0]
            for step in 1..<max(count, 1) {
                let name = BlockLayout.largeLeading(step, found)
                let next = try shape(name)
                guard isKernel(next), next[2] == 3, next[1] == previous else {
                    throw .convolutionShape(
                        path: path, key: dialect.key(place, name),
                        expected: "[O, \(previous), 3, 3]",
                        found: next)
                }
                previous = next[0]
                let size = 2 * step + 3
                guard previous * inputs <= BlockLayout.largestComposed / (size * size) else {
                    throw .convolutionShape(
                        path: path, key: dialect.key(place, name),
                        expected: "[O, I, 3, 3] that composes to at most "
                            + "\(BlockLayout.largestComposed) weights",
                        found: next)
                }
            }
            outputs = previous
            if let wanted = position.kernel, wanted != kernel {
                throw .convolutionShape(
                    path: path, key: dialect.key(place, leading),
                    expected: "that of a \(wanted)x\(wanted) kernel", found: weight)
            }
        }
        return BlockGeometry(
            outputChannels: outputs, inputChannels: inputs, groups: groups, kernel: kernel)
    }
}
