import OrepaCheckpoint
import OrepaConversion
import OrepaFiles
import OrepaFold
import OrepaNetwork
import OrepaPlan
import OrepaSafetensors

// Which errors say that the system refused memory, however deep they say so: what they were about may be sound.

extension FileError {
    var isRefusal: Bool { if case .outOfMemory = self { true } else { false } }
}

extension SafetensorsError {
    var isRefusal: Bool { if case .outOfMemory = self { true } else { false } }
}

extension ModelFileError {
    var isRefusal: Bool {
        switch self {
        case .file(let error): error.isRefusal
        case .safetensors(let error): error.isRefusal
        case .otherFormat, .notAModel, .newerVersion, .malformed, .network, .probe: false
        }
    }
}

extension PlanError {
    var isRefusal: Bool {
        switch self {
        case .model(let error): error.isRefusal
        case .outOfMemory: true
        case .network, .algorithm, .overBudget, .unknownInstructionSet, .cancelled,
            .deadlineExceeded:
            false
        }
    }
}

extension CheckpointError {
    var isRefusal: Bool {
        switch self {
        case .file(let error): error.isRefusal
        case .safetensors(let error): error.isRefusal
        default: false
        }
    }
}

extension FoldError {
    var isRefusal: Bool {
        switch self {
        case .checkpoint(let error): error.isRefusal
        case .notFinite, .variance, .overflow, .network, .library: false
        }
    }
}

extension ReferenceError {
    var isRefusal: Bool {
        switch self {
        case .file(let error): error.isRefusal
        case .safetensors(let error): error.isRefusal
        case .otherFormat, .missing, .elementType, .shape, .notFinite: false
        }
    }
}

extension ConversionError {
    var isRefusal: Bool {
        switch self {
        case .checkpoint(let error): error.isRefusal
        case .fold(let error): error.isRefusal
        case .model(let error): error.isRefusal
        case .output(let error): error.isRefusal
        case .plan(_, let error): error.isRefusal
        case .reference(let error): error.isRefusal
        case .memory: true
        // About names and shapes alone.
        case .training: false
        case .network, .labelCount, .preprocessing, .tolerance, .inputSize, .verificationCost,
            .verificationMap, .otherCheckpoint, .otherNetwork, .otherGraph, .notFinite,
            .otherLogits,
            .notVerified, .library:
            false
        }
    }
}
