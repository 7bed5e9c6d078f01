import OrepaImage
import OrepaNetwork
import OrepaPlan

// What a program that imports only `Orepa` names of the modules below it.

/// When a call is to end before it is done: a deadline, a ``Cancellation``, or both.
public typealias CallLimits = OrepaPlan.CallLimits
/// A flag by which any thread ends the calls that were given it.
public typealias Cancellation = OrepaPlan.Cancellation
/// A loop of the host's, whose turns it runs side by side.
public typealias ParallelFor = OrepaPlan.ParallelFor
/// Threads that models may share.
public typealias WorkerPool = OrepaPlan.WorkerPool
/// What is done with packed weights.
public typealias PlanMemory = OrepaPlan.PlanMemory
/// Whose kernels run a model.
public typealias InstructionSet = OrepaPlan.InstructionSet
/// Whether layers may be computed by Winograd tiles.
public typealias Numerics = OrepaNetwork.Numerics
/// What a model's file holds.
public typealias ModelFile = OrepaNetwork.ModelFile
/// Channels, height and width of a feature map.
public typealias Shape = OrepaNetwork.Shape
/// Resizing, cropping and normalising.
public typealias Preprocessing = OrepaNetwork.Preprocessing
/// 8-bit pixels in memory.
public typealias RGBImage = OrepaImage.RGBImage
/// Decodes JPEG and PNG files.
public typealias ImageDecoder = OrepaImage.ImageDecoder
/// What decoding a picture may cost.
public typealias DecodingLimits = OrepaImage.DecodingLimits
