import COrepa
import OrepaNetwork
import OrepaSystem

func modelMetadata(
    _ model: OpaquePointer?, _ metadata: UnsafeMutablePointer<orepa_metadata>?
) -> orepa_status {
    status(takesMemory: false) { () throws(Failure) in
        let handle = try ModelHandle.of(model, "model")
        try handle.metadata.fields(of: handle.model.description).write(to: metadata, "metadata")
    }
}

/// What a model's file records, in memory that stays where it is.
final class Metadata: Sendable {
    private let strings: CStrings
    /// Mean, then standard deviation.
    private let numbers: SystemBuffer<Float>

    /// Places in ``strings``.
    private enum Place: Int {
        case json, family, tool, interpolation, sourceName, sourceHash
    }

    init(_ description: ModelDescription) throws(Failure) {
        try checkMemory(count: description.jsonMemory, size: 1)
        let (preprocessing, source) = (description.preprocessing, description.source)
        strings = try CStrings(checked: [
            description.json, description.family, description.tool,
            preprocessing.interpolation.rawValue, source?.name ?? "", source?.sha256 ?? "",
        ])
        let values = preprocessing.mean + preprocessing.std
        do throws(MemoryRefusal) { numbers = try SystemBuffer(count: values.count) } catch {
            throw .noMemory
        }
        _ = numbers.elements.initialize(from: values)
    }

    /// - Parameter description: The one that this was made of.
    func fields(of description: ModelDescription) -> orepa_metadata {
        let (preprocessing, record) = (description.preprocessing, description.verification)
        func text(_ place: Place) -> UnsafePointer<CChar> { strings[place.rawValue] }
        let hasSource = description.source != nil
        let channels = preprocessing.mean.count
        return orepa_metadata(
            size: 0, json: text(.json), family: text(.family), tool: text(.tool),
            source_name: hasSource ? text(.sourceName) : nil,
            source_sha256: hasSource ? text(.sourceHash) : nil,
            resize: preprocessing.resize, crop: preprocessing.crop, channel_count: channels,
            mean: numbers.base, std: numbers.base + channels,
            interpolation: text(.interpolation), block_error: record?.blockError ?? .nan,
            logit_error: record?.logitError ?? .nan,
            fast_logit_error: record?.fastLogitError ?? .nan)
    }
}
