import OrepaFiles
import OrepaNetwork
import OrepaTraining

/// Whether what a model file says of itself holds: its document against a network that was recognised from tensors, beyond
/// what reading the file has checked. Nothing is run; for that there is the probe.
struct DocumentCheck {
    let model: ModelFile
    /// The model's file, for messages.
    let path: String

    private var description: ModelDescription { model.description }

    /// Holds the document against the network that the model's own tensors are recognised as.
    ///
    /// - Throws: ``ConversionError/otherGraph(path:expected:found:_:)``, or the field that is wrong.
    func check(recognized network: TrainingNetwork) throws(ConversionError) {
        if let difference = GraphDifference(expected: model.network.graph, found: network.graph) {
            throw .otherGraph(
                path: path, expected: difference.expected, found: difference.found,
                network.assumptions(stateDict: nil, inputSize: nil))
        }
        try check(
            "family", expected: network.family.rawValue, of: "its tensors",
            found: description.family)
        try checkBlocks(of: network)
        try checkSource()
        try checkVerification()
    }

    /// Holds the document against the network in the checkpoint that the model was made from.
    ///
    /// - Throws: ``ConversionError/otherNetwork(model:checkpoint:expected:found:)``, or the field that is wrong.
    func check(
        madeFrom recognized: RecognizedCheckpoint, as network: TrainingNetwork
    ) throws(ConversionError) {
        if let difference = GraphDifference(expected: network.graph, found: model.network.graph) {
            throw .otherNetwork(
                model: path, checkpoint: recognized.path, expected: difference.expected,
                found: difference.found)
        }
        try check(
            "family", expected: network.family.rawValue, of: recognized.path,
            found: description.family)
        try check(
            "blocks", expected: inWords(network.blockCounts), of: recognized.path,
            found: inWords(description.blocks))
        try checkAssumptions(madeFrom: recognized, as: network)
        try checkSource()
        try checkVerification()
    }

    private func check(
        _ field: String, expected: String, of source: String, found: String
    ) throws(ConversionError) {
        // As bytes: two spellings of a letter are two names.
        guard !expected.utf8.elementsEqual(found.utf8) else { return }
        throw malformed(field, expected: "\(expected), as in \(source)", found: found)
    }

    private func malformed(_ field: String, expected: String, found: String) -> ConversionError {
        .model(.malformed(path: path, field: field, expected: expected, found: found))
    }

    /// There is a convolution for each block, and its tensors are named for the kind of block that was folded. A
    /// block that was folded already kept its name, and a kind that a later orepa may know has another.
    private func checkBlocks(of network: TrainingNetwork) throws(ConversionError) {
        let convolutionCount = network.blocks.count
        let counts = description.blocks
        guard counts.values.allSatisfy({ 0...convolutionCount ~= $0 }),
            counts.values.reduce(0, +) == convolutionCount
        else {
            throw malformed(
                "blocks", expected: "\(convolutionCount), as many as the graph has convolutions",
                found: inWords(counts))
        }
        var left: [String: Int] = [:]
        for block in network.blocks {
            let name = block.convolution.parameters.split(separator: ".").last ?? ""
            left[String(name), default: 0] += 1
        }
        for kind in BlockKind.allCases {
            guard let name = kind.foldedName, let count = counts[ByteName(kind.rawValue)] else {
                continue
            }
            guard count <= left[name, default: 0] else {
                throw malformed(
                    "blocks.\(kind.rawValue)",
                    expected:
                        "at most the \(left[name, default: 0]) whose tensors are named `\(name)`",
                    found: "\(count)")
            }
            left[name, default: 0] -= count
        }
    }

    /// Options may say otherwise than the file does of what remains, and the weights tell who is right.
    private func checkAssumptions(
        madeFrom recognized: RecognizedCheckpoint, as network: TrainingNetwork
    ) throws(ConversionError) {
        guard let found = description.assumptions else { return }
        let location = recognized.checkpoint.location
        let expected = network.assumptions(stateDict: location, inputSize: nil)
            .completed(
                by: recognized.deployedModel?.description.assumptions,
                isSameFile: network.isFolded)
        func inWords(_ stateDict: String?) -> String {
            stateDict.map { "`\($0)`" } ?? "the file itself"
        }
        try check(
            "assumptions.state_dict", expected: inWords(expected.stateDict), of: recognized.path,
            found: inWords(found.stateDict))
        guard (expected.batchNormEpsilon == nil) == (found.batchNormEpsilon == nil) else {
            throw malformed(
                "assumptions.bn_epsilon",
                expected: (expected.batchNormEpsilon.map { "\($0)" } ?? "none")
                    + ", as in \(recognized.path)",
                found: found.batchNormEpsilon.map { "\($0)" } ?? "none")
        }
    }

    private func checkSource() throws(ConversionError) {
        guard let digest = description.source?.sha256 else { return }
        guard digest.utf8.count == 64, digest.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw malformed(
                "source.sha256", expected: "64 hexadecimal digits", found: digest)
        }
    }

    /// No file is written where the comparison has failed.
    private func checkVerification() throws(ConversionError) {
        guard let record = description.verification else { return }
        let name = ByteName(record.worstBlock)
        guard model.network.graph.nodes.contains(where: { ByteName($0.name) == name }) else {
            throw malformed(
                "verification.worst_block", expected: "a layer", found: record.worstBlock)
        }
        for (field, error, tolerance) in [
            ("block_error", record.blockError, record.blockTolerance),
            ("logit_error", record.logitError, record.logitTolerance),
            ("fast_logit_error", record.fastLogitError ?? 0, Double.infinity),
        ] where !(error >= 0 && error <= tolerance) {
            throw malformed(
                "verification.\(field)",
                expected: tolerance.isFinite ? "0 to \(tolerance)" : "0 or more", found: "\(error)")
        }
    }
}

/// Such as `2 x ConvBN, 1 x DBB`.
private func inWords(_ counts: [ByteName: Int]) -> String {
    counts.isEmpty
        ? "none"
        : counts.sorted { $0.key < $1.key }.map { "\($0.value) x \($0.key)" }
            .joined(separator: ", ")
}
