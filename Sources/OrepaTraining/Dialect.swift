import OrepaNetwork

/// What one author's code calls the parts of a family of networks: which module stands at which place, and which part
/// of the block there it is. All else goes by ``NetworkPlace`` and by ``BlockNames``, the published code's own words;
/// so other authors' names are a table in a file of its own, and a row of ``all``.
struct Dialect: Sendable {
    /// What a module is in the network. What numbers say which one is in its name.
    enum Role: Sendable, Hashable {
        /// The first block of a RepVGG, the first convolution of a ResNet.
        case stem
        /// A block of a stage of a RepVGG.
        case block
        /// Part of a residual block.
        case residual(ResidualPart)
        /// The linear layer.
        case head
    }

    struct Module: Sendable {
        let pattern: ModulePattern
        let role: Role
        /// The module's name within the block at its place; nothing where it is the whole block. A convolution and a
        /// batch norm that stand side by side are `conv` and `bn` of one block.
        let part: String

        init(_ pattern: ModulePattern, _ role: Role, part: String = "") {
            self.pattern = pattern
            self.role = role
            self.part = part
        }

        /// A convolution and the batch norm behind it, where they are modules side by side. In the convolution's place
        /// there may be a block of another kind, with its batch norms inside.
        static func convolution(
            _ convolution: ModulePattern, norm: ModulePattern, _ role: Role
        ) -> [Module] {
            let names = BlockNames.folded("conv")
            return [
                Module(convolution, role),
                Module(convolution.appending("weight"), role, part: names.weight),
                Module(convolution.appending("bias"), role, part: names.bias),
                Module(norm, role, part: BlockNames.convBN.norm.module),
            ]
        }
    }

    /// ``Family/resNet`` also where a network with groups is a ResNeXt.
    let family: Family
    /// A checkpoint that has tensors in such a module is of this dialect.
    let mark: ModulePattern
    /// Where several fit a key, the longest pattern counts.
    let modules: [Module]
    /// Modules before the first stage of which one may be a convolution. Where several are, the stem is a deep one.
    let stemConvolutions: [ModulePattern]
}

extension Dialect {
    /// All that are known. Of those whose mark a checkpoint has, the one with the longest counts.
    static let all: [Dialect] = [.publishedRepVGG, .publishedResNet, .torchvision]

    /// Place in the network and name within the block there of the tensor whose key has these parts; nil where the key
    /// belongs to no block.
    func location(of key: [Substring]) -> (place: NetworkPlace, name: String)? {
        var best: (module: Module, numbers: (stage: Int, block: Int))?
        for module in modules where module.pattern.count > best?.module.pattern.count ?? 0 {
            if let numbers = module.pattern.numbers(in: key) { best = (module, numbers) }
        }
        guard let (module, numbers) = best else { return nil }
        let rest = key[module.pattern.count...]
        guard !rest.isEmpty || !module.part.isEmpty else { return nil }
        let name = ([Substring(module.part)].filter { !$0.isEmpty } + rest).joined(separator: ".")
        return (place(module.role, stage: numbers.stage, number: numbers.block), name)
    }

    /// The module before the first stage that a convolution's weight is of, if it is one.
    func stemConvolution(of key: [Substring]) -> String? {
        let fitting = stemConvolutions.filter { $0.count < key.count }
            .filter { $0.numbers(in: key) != nil }
        return fitting.map(\.count).max().map { key.prefix($0).joined(separator: ".") }
    }

    /// Whether the key is of a tensor that marks the dialect.
    func isMarked(by key: [Substring]) -> Bool {
        key.count > mark.count && mark.numbers(in: key) != nil
    }

    /// Whether the key is of a residual block.
    func isResidual(_ key: [Substring]) -> Bool {
        if case .residual? = location(of: key)?.place { true } else { false }
    }

    // MARK: The author's words, for messages

    /// The key of the tensor `name` of the block at `place`.
    func key(_ place: NetworkPlace, _ name: String) -> String {
        let (role, stage, number) = role(of: place)
        let module = modules.filter { module in
            module.role == role
                && (module.part.isEmpty || name == module.part || name.hasPrefix(module.part + "."))
        }.max { $0.part.utf8.count < $1.part.utf8.count }
        guard let module else { return "\(self.name(of: place)).\(name)" }
        let rest = module.part.isEmpty ? name[...] : name.dropFirst(module.part.count + 1)
        let prefix = module.pattern.name(stage: stage, block: number)
        return rest.isEmpty ? prefix : "\(prefix).\(rest)"
    }

    /// The module at `place`, or the first of those that make its block.
    func name(of place: NetworkPlace) -> String {
        let (role, stage, number) = role(of: place)
        return modules.first { $0.role == role }?.pattern.name(stage: stage, block: number)
            ?? place.name
    }

    /// The module that is block `number` of `stage`.
    func name(ofBlock number: Int, in stage: Int) -> String {
        modules.lazy.compactMap(\.pattern.blockPattern).first?.name(stage: stage, block: number)
            ?? NetworkPlace.block(stage: stage, number: number).name
    }

    /// The module that is `stage`.
    func name(ofStage stage: Int) -> String {
        modules.lazy.compactMap(\.pattern.stagePattern).first?.name(stage: stage, block: 0) ?? ""
    }

    /// The first module that marks the dialect.
    var firstMark: String { mark.name(stage: 1, block: 0) }

    /// The module that is the stem.
    var stem: String { name(of: stemPlace) }

    // MARK: Places

    var stemPlace: NetworkPlace { family == .repVGG ? .repVGGStem : .resNetStem }

    private func place(_ role: Role, stage: Int, number: Int) -> NetworkPlace {
        switch role {
        case .stem: stemPlace
        case .block: .block(stage: stage, number: number)
        case .residual(let part): .residual(stage: stage, number: number, part)
        case .head: .linear
        }
    }

    private func role(of place: NetworkPlace) -> (role: Role, stage: Int, number: Int) {
        switch place {
        case .repVGGStem, .resNetStem, .stemPool: (.stem, 0, 0)
        case .block(let stage, let number): (.block, stage, number)
        case .residual(let stage, let number, let part): (.residual(part), stage, number)
        case .pool, .linear: (.head, 0, 0)
        }
    }
}
