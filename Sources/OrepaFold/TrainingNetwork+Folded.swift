import CConversionLibraries
import OrepaCheckpoint
import OrepaFiles
import OrepaNetwork
import OrepaTraining

extension TrainingNetwork {
    /// Folds every block, which gives the plain network that this one is equal to in evaluation mode.
    ///
    /// Blocks are folded one after the other, so that beside the result (Float32) only one block's Doubles
    /// are in memory. Matrix products use OpenBLAS, which is loaded first and gets one thread.
    ///
    /// - Parameter progress: called before each block with its index and itself.
    /// - Throws: ``FoldError`` about the first tensor that cannot be folded.
    public func folded(
        progress: ((_ index: Int, _ block: TrainingBlock) -> Void)? = nil
    ) throws(FoldError) -> Network {
        if let problem = orepa_load_openblas() { throw .library(String(cString: problem)) }
        var tensors: [ByteName: Tensor] = [:]
        for (index, block) in blocks.enumerated() {
            progress?(index, block)
            let folded = try fold(block)
            let convolution = block.convolution
            tensors["\(convolution.parameters).weight"] = Tensor(
                shape: convolution.weightShape, values: folded.weight)
            tensors["\(convolution.parameters).bias"] = Tensor(
                shape: [convolution.outputChannels], values: folded.bias)
        }
        let linear = BlockNames.folded(NetworkPlace.linear.name)
        for (name, tensor) in [(linear.weight, linearWeight), (linear.bias, linearBias)] {
            let values = try rounded(tensor, path: path, key: tensor.name, name: name)
            tensors[name] = Tensor(shape: tensor.shape, values: values)
        }
        do {
            return try Network(graph: graph, tensors: tensors)
        } catch {
            throw .network(path: path, error)
        }
    }
}
