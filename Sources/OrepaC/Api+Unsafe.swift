import COrepa
import Orepa

/// The table of version 1, made when it is first asked for and never freed.
private struct Table: @unchecked Sendable {
    static let version1 = Table()

    let pointer: UnsafePointer<orepa_api>
    private let version = CStrings([libraryVersion])

    private init() {
        // Memory: small.
        let table = UnsafeMutablePointer<orepa_api>.allocate(capacity: 1)
        table.initialize(
            to: orepa_api(
                size: MemoryLayout<orepa_api>.size, library_version: version[0],
                last_error: lastError, status_name: statusName, model_load: modelLoad,
                model_load_bytes: modelLoadBytes, model_free: modelFree,
                model_describe: modelDescribe, model_label: modelLabel, model_stage: modelStage,
                model_memory: modelMemory, model_trim: modelTrim, run: run, run_tensor: runTensor,
                answers_count: answersCount, answers_status: answersStatus,
                answers_message: answersMessage, answers_top: answersTop,
                answers_logits: answersLogits, answers_probabilities: answersProbabilities,
                answers_features: answersFeatures, answers_stage: answersStage,
                answers_free: answersFree, pool_new: poolNew, pool_thread_count: poolThreadCount,
                pool_free: poolFree, cancellation_new: cancellationNew,
                cancellation_cancel: cancellationCancel, cancellation_free: cancellationFree,
                answers_warning: answersWarning, run_into: runInto, run_tensor_into: runTensorInto,
                model_metadata: modelMetadata))
        pointer = UnsafePointer(table)
    }
}

// The header's name.
// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func orepa_get_api(_ version: UInt32) -> UnsafePointer<orepa_api>? {
    version == UInt32(OREPA_API_VERSION) ? Table.version1.pointer : nil
}
