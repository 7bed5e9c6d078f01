import OrepaNetwork

/// Why a network cannot be planned or run.
public enum PlanError: Error, Hashable, Sendable {
    /// The network does not take an input of that size.
    case network(NetworkError)
    /// The system refused memory.
    case outOfMemory(byteCount: Int)
    /// The environment variable `OREPA_ISA` names no ``InstructionSet``.
    case unknownInstructionSet(name: String)
}

extension PlanError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .network(let error): error.description
        case .outOfMemory(let byteCount):
            "expected \(byteCount) bytes of memory, the system refused them"
        case .unknownInstructionSet(let name):
            "OREPA_ISA: expected avx512, avx2, neon or portable, found \(name)"
        }
    }
}
