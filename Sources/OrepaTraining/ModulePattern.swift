/// The name of a module with what varies left open, such as `stage{stage}.{block}.conv1`: `{stage}` and `{block}` are
/// its numbers, `{number}` is any other and `{}` any text. At most one of them stands in a part, at its end.
struct ModulePattern: Sendable, ExpressibleByStringLiteral {
    private enum Part: Sendable {
        case text(String)
        /// A number, and what is before it.
        case stage(String)
        case block(String)
        case number(String)
        /// Anything, and what is before it.
        case any(String)
    }

    private let parts: [Part]

    /// How many parts the module's name has.
    var count: Int { parts.count }

    init(stringLiteral text: String) {
        parts = text.split(separator: ".").map { part in
            guard let brace = part.firstIndex(of: "{") else { return .text(String(part)) }
            let start = String(part[..<brace])
            switch part[brace...] {
            case "{stage}": return .stage(start)
            case "{block}": return .block(start)
            case "{number}": return .number(start)
            case "{}": return .any(start)
            default: preconditionFailure("pattern `\(text)`: unknown `\(part[brace...])`")
            }
        }
    }

    /// The numbers that a key has where this pattern has them open, 0 where it has none; nil for a key of which the
    /// first parts do not fit.
    func numbers(in key: [Substring]) -> (stage: Int, block: Int)? {
        guard key.count >= parts.count else { return nil }
        var found = (stage: 0, block: 0)
        for (part, text) in zip(parts, key) {
            switch part {
            case .text(let expected):
                guard text.utf8.elementsEqual(expected.utf8) else { return nil }
            case .stage(let start):
                guard let stage = number(text, after: start), stage > 0 else { return nil }
                found.stage = stage
            case .block(let start):
                guard let block = number(text, after: start) else { return nil }
                found.block = block
            case .number(let start):
                guard number(text, after: start) != nil else { return nil }
            case .any(let start):
                guard text.utf8.starts(with: start.utf8) else { return nil }
            }
        }
        return found
    }

    /// The name of the module with these numbers.
    ///
    /// - Precondition: nothing else is open.
    func name(stage: Int, block: Int) -> String {
        parts.map { part in
            switch part {
            case .text(let text): text
            case .stage(let start): "\(start)\(stage)"
            case .block(let start): "\(start)\(block)"
            case .number, .any: preconditionFailure("this pattern stands for many modules")
            }
        }.joined(separator: ".")
    }

    /// The part that numbers stages and all before it: `stage{stage}`. Likewise that of blocks.
    var stagePattern: ModulePattern? {
        upToLast { if case .stage = $0 { true } else { false } }
    }
    var blockPattern: ModulePattern? {
        upToLast { if case .block = $0 { true } else { false } }
    }

    private func upToLast(where isWanted: (Part) -> Bool) -> ModulePattern? {
        parts.lastIndex(where: isWanted).map { ModulePattern(parts: Array(parts[...$0])) }
    }

    private init(parts: [Part]) { self.parts = parts }

    /// The module, or the tensor, called `name` within this one.
    func appending(_ name: String) -> ModulePattern { ModulePattern(parts: parts + [.text(name)]) }

    /// A decimal number as PyTorch writes it, without sign and leading zeros, behind `start`.
    private func number(_ text: Substring, after start: String) -> Int? {
        guard text.utf8.starts(with: start.utf8) else { return nil }
        let digits = Substring(text.utf8.dropFirst(start.utf8.count))
        guard let value = Int(digits), value >= 0, String(value) == digits else { return nil }
        return value
    }
}
