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
    /// - Parameter pool: The threads that run each picture.
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses memory.
    public init(model: ModelFile, numerics: Numerics = .fast, pool: WorkerPool = WorkerPool())
        throws(PlanError)
    {
        self.model = model
        let crop = model.description.preprocessing.crop
        let plan = try Plan(
            model.network, height: crop, width: crop, numerics: numerics, pool: pool)
        context = try PlanContext(plan, pool: pool)
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
