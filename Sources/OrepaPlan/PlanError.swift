import OrepaFiles
import OrepaNetwork
import OrepaSystem
import OrepaThreads

/// Why a network cannot be planned or run.
public enum PlanError: Error, Hashable, Sendable {
    /// The network does not take an input of that size.
    case network(NetworkError)
    /// The algorithm that is asked for does not take the layer.
    case algorithm(layer: String, LayerAlgorithm)
    /// The model's file is at fault.
    case model(ModelFileError)
    /// The model costs more than its ``ModelBudget`` allows.
    case overBudget(BudgetedQuantity, most: Int, found: Int)
    /// The system refused memory.
    case outOfMemory(byteCount: Int)
    /// The environment variable `OREPA_ISA` names no ``InstructionSet``.
    case unknownInstructionSet(name: String)
    /// The call's ``Cancellation`` was set before it was done.
    case cancelled
    /// The call's deadline passed before it was done.
    case deadlineExceeded

    /// What a ``ModelBudget`` limits.
    public enum BudgetedQuantity: Hashable, Sendable {
        /// Multiply-adds of one picture.
        case multiplyAdds
        /// Bytes of packed weights, feature maps and scratch.
        case memory
        /// Bytes of the answers of one call.
        case answers
    }
}

extension PlanError {
    init(_ stop: CallStop) {
        switch stop {
        case .cancelled: self = .cancelled
        case .deadlineExceeded: self = .deadlineExceeded
        }
    }

    /// - Throws: What ends the call.
    static func check(_ limits: CallLimits) throws(PlanError) {
        if let stop = limits.stop { throw PlanError(stop) }
    }

    /// - Throws: What ends the call.
    static func check(_ watch: CallWatch?) throws(PlanError) {
        if let watch, watch.look(), let stop = watch.stop { throw PlanError(stop) }
    }

    /// Checks that the system gives that much memory.
    package static func check(count: Int, size: Int) throws(PlanError) {
        do throws(MemoryRefusal) { try SystemMemory.check(count: count, size: size) } catch {
            throw .outOfMemory(byteCount: error.byteCount)
        }
    }
}

extension PlanError: CustomStringConvertible {
    public var description: String { sentence.escapedForPrinting() }

    private var sentence: String {
        switch self {
        case .network(let error): error.description
        case .algorithm(let layer, let algorithm):
            "`\(layer)`: expected an algorithm that takes the layer, found \(algorithm.name)"
        case .model(let error): error.description
        case .overBudget(.multiplyAdds, let most, let found):
            "expected at most \(most) multiply-adds for a picture (the maximum of multiply-adds that was set), "
                + "found \(found)"
        case .overBudget(.memory, let most, let found):
            "expected at most \(most) bytes of weights, feature maps and scratch (the maximum of model memory that "
                + "was set), found \(found)"
        case .overBudget(.answers, let most, let found):
            "expected at most \(most) bytes of answers (the maximum of model memory that was set), found \(found)"
        case .outOfMemory(let byteCount):
            "expected \(byteCount) bytes of memory, the system refused them"
        case .unknownInstructionSet(let name):
            "OREPA_ISA: expected \(InstructionSet.names), found \(name)"
        case .cancelled: CallStop.cancelled.description
        case .deadlineExceeded: CallStop.deadlineExceeded.description
        }
    }
}
