import ArgumentParser
import OrepaCheckpoint
import OrepaNetwork
import OrepaSystem
import OrepaTraining

/// What a checkpoint does not say about its network: the options that `convert`, `verify` and `inspect` share.
struct NetworkArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Strides of the first convolution and of the first block of each stage.",
            discussion: """
                RepVGG: stage0 to stage4, by default 2,2,2,2,2. ResNet: the stem, then the stages, by default 2,1,2,2,2.
                """,
            valueName: "S,S,..."))
    var strides: StrideList?

    @Option(
        help: """
            How a ResNet begins: imagenet (stride 2, then a 3x3 max pool of stride 2) or small (stride 1, no pool). By \
            default imagenet for kernels larger than 3x3, which do not tell.
            """)
    var stem: NetworkAssumptions.Stem?

    @Option(
        parsing: .unconditional,
        help: "What every batch norm adds to its variance. (default: 1e-05)")
    var bnEpsilon: Double?

    @Option(
        help: ArgumentHelp(
            """
            Which dict of tensors to take, with dots between the keys that lead to it. By default state_dict, \
            model_state_dict or model, else the whole file.
            """, valueName: "key"))
    var stateDict: String?

    func validate() throws {
        if let strides {
            let possible = NetworkOptions.possibleStrides
            guard strides.values.allSatisfy(possible.contains) else {
                throw ValidationError(
                    "--strides: expected numbers of \(possible.lowerBound) to \(possible.upperBound), "
                        + "found \(strides.values.map(String.init).joined(separator: ","))")
            }
        }
        if let bnEpsilon, !(bnEpsilon > 0 && bnEpsilon.isFinite) {
            throw ValidationError(
                "--bn-epsilon: expected a finite number above 0, found \(bnEpsilon)")
        }
        if let stateDict, stateDict.isEmpty {
            throw ValidationError("--state-dict: expected a key, found nothing")
        }
    }

    /// The names of the options that were given.
    var given: [String] {
        [
            strides == nil ? nil : "--strides", stem == nil ? nil : "--stem",
            bnEpsilon == nil ? nil : "--bn-epsilon", stateDict == nil ? nil : "--state-dict",
        ].compactMap(\.self)
    }

    /// What the options say, else what `model` was made with.
    func options(recordedIn model: ModelFile?) -> NetworkOptions {
        var options = model.map { NetworkOptions($0) } ?? NetworkOptions()
        if let strides { options.strides = strides.values }
        if let stem {
            // The strides that belong to another stem are no more than its default.
            if strides == nil, options.stem != stem { options.strides = nil }
            options.stem = stem
        }
        if let bnEpsilon { options.batchNormEpsilon = bnEpsilon }
        return options
    }

    /// Opens the checkpoint at `path`.
    func checkpoint(
        path: RawPath, recordedIn model: ModelFile? = nil
    ) throws(Failure) -> Checkpoint {
        let recorded = model?.description.assumptions?.stateDict
        do {
            return try Checkpoint(path: path, stateDictionary: stateDict ?? recorded)
        } catch {
            // Another file than the model was made of, which its SHA-256 tells better; or a folded one, which does not
            // hold what was recorded of the checkpoint before.
            if case .noStateDictionary = error, stateDict == nil, recorded != nil,
                let other = try? Checkpoint(path: path)
            {
                return other
            }
            throw Failure(error)
        }
    }

    /// A sentence for each option that says otherwise than `model` records.
    func contradictions(of model: ModelFile, path: RawPath) -> [String] {
        guard let recorded = model.description.assumptions else { return [] }
        var sentences: [String] = []
        func compare(_ option: String, _ given: String?, _ recorded: String?) {
            guard let given, given != recorded else { return }
            sentences.append(
                "\(option) \(given) contradicts \(path), which was made with \(recorded ?? "none")")
        }
        compare(
            "--strides", strides?.description,
            recorded.strides.map(String.init).joined(separator: ","))
        compare("--stem", stem?.rawValue, recorded.stem?.rawValue)
        compare(
            "--bn-epsilon", bnEpsilon.map { "\($0)" }, recorded.batchNormEpsilon.map { "\($0)" })
        compare("--state-dict", stateDict, recorded.stateDict)
        return sentences
    }

    /// A sentence for each thing about the checkpoint and the options that may not be what was meant.
    ///
    /// - Parameter recorded: What a model that was made of it records.
    func warnings(
        about checkpoint: Checkpoint, isFolded: Bool, recorded: NetworkAssumptions? = nil
    ) -> [String] {
        var sentences: [String] = []
        let shown = checkpoint.counterparts.prefix(4)
        // Whoever chose one knows of the others.
        if stateDict == nil, recorded?.stateDict == nil, let first = shown.first {
            sentences.append(
                "\(checkpoint.path): takes the state dict "
                    + (checkpoint.location.map { "`\($0)`" } ?? "that is the file itself")
                    + "; there \(checkpoint.counterparts.count == 1 ? "is another" : "are others") under "
                    + shown.map { "`\($0)`" }.joined(separator: ", ")
                    + ", perhaps averaged weights, which --state-dict \(first) takes")
        }
        if isFolded, bnEpsilon != nil {
            sentences.append(
                "\(checkpoint.path): folded already, without batch norms; --bn-epsilon changes nothing"
            )
        }
        return sentences
    }
}

/// Whole numbers with commas between them.
struct StrideList: ExpressibleByArgument, CustomStringConvertible {
    let values: [Int]

    init?(argument: String) {
        let fields = argument.split(separator: ",", omittingEmptySubsequences: false)
        let values = fields.compactMap { Int($0) }
        guard values.count == fields.count else { return nil }
        self.values = values
    }

    var description: String { values.map(String.init).joined(separator: ",") }
}

extension NetworkAssumptions.Stem: ExpressibleByArgument {}
