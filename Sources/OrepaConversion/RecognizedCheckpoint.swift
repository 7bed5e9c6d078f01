import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork
import OrepaTraining

/// A checkpoint and what it tells by itself: which network is in it, and whether it is a deployed model. What it does
/// not tell, options say later.
public struct RecognizedCheckpoint: Sendable {
    public let checkpoint: Checkpoint
    public let network: RecognizedNetwork
    /// The deployed model that the file is: a folded checkpoint that also says what its network is. nil where nothing in
    /// it claims so.
    public let deployedModel: ModelFile?

    /// Path of the checkpoint, for messages.
    public var path: String { checkpoint.path }

    /// Recognises what is in `checkpoint` by names and shapes; no weight is read.
    ///
    /// - Throws: ``ConversionError/training(_:)``, or ``ConversionError/model(_:)`` about a file that claims to be a
    ///   model and is none.
    public init(_ checkpoint: Checkpoint) throws(ConversionError) {
        self.checkpoint = checkpoint
        do throws(ModelFileError) {
            deployedModel = try checkpoint.deployedModel()
        } catch { throw .model(error) }
        do throws(TrainingError) { network = try RecognizedNetwork(checkpoint) } catch {
            throw .training(error)
        }
    }

    /// The network with what `options` say of it.
    ///
    /// - Throws: ``ConversionError/training(_:)`` where they contradict it, or leave open what it does not tell.
    public func trainingNetwork(_ options: NetworkOptions) throws(ConversionError)
        -> TrainingNetwork
    {
        do { return try TrainingNetwork(network, options: options) } catch {
            throw .training(error)
        }
    }
}

extension Checkpoint {
    /// The deployed model that the file is; nil where nothing in it claims so.
    ///
    /// - Throws: What is wrong with a file that does. It is no checkpoint instead.
    fileprivate func deployedModel() throws(ModelFileError) -> ModelFile? {
        guard metadata[ByteName(ModelFile.metadataKey)] != nil else { return nil }
        return try ModelFile(file)
    }
}
