import COrepa
import Orepa
import OrepaNetwork
import OrepaPlan

func modelLoad(
    _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<orepa_model_options>?,
    _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> orepa_status {
    status { () throws(Failure) in
        try ModelHandle.clear(model, "model")
        let location = try OrepaC.path(path, "path")
        let given = try orepa_model_options.readOptional(options, "options")
        let (options, limits) = (try given.options(), try given.loadLimits())
        let loaded = try calling { () throws(OrepaError) in
            try Model(path: location, options: options, limits: limits)
        }
        model!.pointee = try ModelHandle(loaded).retainedPointer()
    }
}

func modelLoadBytes(
    _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ name: UnsafePointer<CChar>?,
    _ options: UnsafePointer<orepa_model_options>?, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> orepa_status {
    status { () throws(Failure) in
        try ModelHandle.clear(model, "model")
        let bytes = try buffer(bytes, byteCount, "bytes")
        let name = name == nil ? "model" : try string(name, "name")
        let given = try orepa_model_options.readOptional(options, "options")
        let (options, limits) = (try given.options(), try given.loadLimits())
        let loaded = try calling { () throws(OrepaError) in
            try Model(bytes: bytes, name: name, options: options, limits: limits)
        }
        model!.pointee = try ModelHandle(loaded).retainedPointer()
    }
}

func modelFree(_ model: OpaquePointer?) { ModelHandle.free(model) }

func modelDescribe(_ model: OpaquePointer?, _ info: UnsafeMutablePointer<orepa_model_info>?)
    -> orepa_status
{
    status(takesMemory: false) { () throws(Failure) in
        let model = try ModelHandle.of(model, "model").model
        let shape = model.inputShape
        try orepa_model_info(
            size: 0, class_count: model.classCount, input_channels: shape.channels,
            input_height: shape.height, input_width: shape.width,
            feature_count: model.featureCount, stage_count: model.stages.count,
            thread_count: model.threadCount,
            numerics: model.numerics == .fast ? OREPA_NUMERICS_FAST : OREPA_NUMERICS_STRICT,
            memory: model.memory.number, instruction_set: model.instructionSet.cName,
            has_labels: model.labels != nil
        ).write(to: info, "info")
    }
}

func modelLabel(
    _ model: OpaquePointer?, _ index: Int, _ label: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        let handle = try ModelHandle.of(model, "model")
        guard let label else { throw .null("label", expected: "where to write a const char *") }
        try checkIndex(index, handle.model.classCount, "class")
        label.pointee = handle.labels?[index]
    }
}

func modelStage(
    _ model: OpaquePointer?, _ index: Int, _ stage: UnsafeMutablePointer<orepa_stage>?
) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        let handle = try ModelHandle.of(model, "model")
        try checkIndex(index, handle.model.stages.count, "stage")
        let shape = handle.model.stages[index].shape
        try orepa_stage(
            size: 0, name: handle.stageNames[index], channels: shape.channels,
            height: shape.height, width: shape.width
        ).write(to: stage, "stage")
    }
}

func modelMemory(
    _ model: OpaquePointer?, _ batch: Int,
    _ requirement: UnsafeMutablePointer<orepa_memory_requirement>?
) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        let model = try ModelHandle.of(model, "model").model
        guard batch > 0 else {
            throw .argument("batch", expected: "at least 1", found: "\(UInt(bitPattern: batch))")
        }
        let bytes = model.memoryRequirement(batch: batch)
        try orepa_memory_requirement(
            size: 0, weights: bytes.weights, per_context: bytes.context
        ).write(to: requirement, "requirement")
    }
}

func modelTrim(_ model: OpaquePointer?) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        try ModelHandle.of(model, "model").model.trim()
    }
}

extension PlanMemory {
    var number: Int32 {
        switch self {
        case .fast: OREPA_MEMORY_FAST
        case .small: OREPA_MEMORY_SMALL
        case .mapped: OREPA_MEMORY_MAPPED
        }
    }
}

extension InstructionSet {
    /// Its name, valid for ever.
    fileprivate var cName: UnsafePointer<CChar> {
        let names = InstructionSet.cNames
        return names[InstructionSet.allCases.firstIndex(of: self)!]
    }

    private static let cNames = CStrings(allCases.map(\.rawValue))
}
