import OrepaImage
import OrepaNetwork
import OrepaPlan

/// Answers which class a picture shows, with one deployed model.
///
/// A classifier holds the memory in which the network runs, so one is used by one thread at a time; make
/// one per thread to run several. They share the model's weights.
public final class Classifier {
    /// The model that answers.
    public let model: ModelFile
    private let context: PlanContext

    /// Plans the model's network for its own input size.
    ///
    /// - Parameters:
    ///   - memory: Whether packed weights are kept: for a single picture ``PlanMemory/small`` answers sooner.
    ///   - probe: Whether to run the probe that the model's file keeps, if it does, before the first picture: a
    ///     certificate that what runs here is what was verified, to the bit. Takes as long as one picture, and about
    ///     1 ms.
    ///   - pool: The threads that run each picture.
    /// - Throws: ``PlanError/model(_:)`` when the model's file is at fault, such as with
    ///   ``ModelFileError/probe(path:numerics:index:expected:found:)``; ``PlanError/outOfMemory(byteCount:)`` when the
    ///   system refuses memory.
    public init(
        model: ModelFile, numerics: Numerics = .fast, memory: PlanMemory = .fast,
        probe: Bool = true, pool: WorkerPool = WorkerPool()
    ) throws(PlanError) {
        self.model = model
        let plan = try Plan(model, numerics: numerics, memory: memory, pool: pool)
        context = try PlanContext(plan, pool: pool)
        if probe { try context.checkProbe(of: model) }
    }

    /// Scores of a prepared picture.
    public func scores(of input: PreparedImage) -> Scores {
        Scores(logits: context.run(input.values, count: 1))
    }

    /// Prepares and scores a decoded picture, and gives the `topK` best classes.
    ///
    /// - Throws: ``ImageError`` when resizing would need more memory than the limits allow.
    public func classify(_ image: RGBImage, topK: Int = 5) throws(ImageError) -> [Prediction] {
        let input = try PreparedImage(image, preprocessing: model.description.preprocessing)
        return scores(of: input).top(topK, labels: model.description.labels)
    }
}
