import COrepaKernels
import Glibc

/// The sets of SIMD instructions that there are kernels for. All give the same bits; a later one is faster.
public enum InstructionSet: String, Sendable, CaseIterable, Comparable {
    /// What the compiler makes of vector types on any processor; NEON on aarch64.
    case portable
    /// x86-64 with AVX2 and FMA.
    case avx2
    /// x86-64 with AVX-512 F, VL, BW and DQ.
    case avx512

    /// The best that this processor and operating system have.
    public static let best = InstructionSet(orepa_isa_best())

    /// ``best``, or the lower one that the environment variable `OREPA_ISA` names: `avx512`, `avx2` or `portable` on
    /// x86-64, `neon` or `portable`, which are the same, on aarch64. It is read once; a set that this processor lacks
    /// changes nothing, an empty name neither.
    ///
    /// - Throws: ``PlanError/unknownInstructionSet(name:)``.
    public static func current() throws(PlanError) -> InstructionSet { try requested.get() }

    private static let requested = best.lowered(
        toName: getenv("OREPA_ISA").map { String(cString: $0) } ?? "")

    /// What `OREPA_ISA` may say on this architecture.
    package static var names: String {
        #if arch(x86_64)
            "avx512, avx2 or portable"
        #elseif arch(arm64)
            "neon or portable"
        #else
            "portable"
        #endif
    }

    package func lowered(toName name: String) -> Result<InstructionSet, PlanError> {
        if name.isEmpty { return .success(self) }
        var set = orepa_isa_portable
        guard orepa_isa_named(name, &set) else {
            return .failure(.unknownInstructionSet(name: name))
        }
        return .success(min(self, InstructionSet(set)))
    }

    init(_ set: orepa_isa) {
        switch set {
        case orepa_isa_avx512: self = .avx512
        case orepa_isa_avx2: self = .avx2
        default: self = .portable
        }
    }

    var isa: orepa_isa {
        switch self {
        case .portable: orepa_isa_portable
        case .avx2: orepa_isa_avx2
        case .avx512: orepa_isa_avx512
        }
    }

    public static func < (first: InstructionSet, second: InstructionSet) -> Bool {
        first.isa.rawValue < second.isa.rawValue
    }
}
