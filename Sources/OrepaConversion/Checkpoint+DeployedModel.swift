import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork

extension Checkpoint {
    /// The deployed model that the file is: a folded checkpoint that also says what its network is. nil where nothing in it
    /// claims so.
    ///
    /// - Throws: What is wrong with a file that does. It is no checkpoint instead.
    public func deployedModel() throws(ModelFileError) -> ModelFile? {
        guard metadata[ByteName(ModelFile.metadataKey)] != nil else { return nil }
        return try ModelFile(file)
    }
}
