// A program that embeds the library imports `Orepa` alone: these types of other modules are part of its calls. By name,
// so that no other of their names meets one of the program's own.
@_exported import struct OrepaImage.DecodedImage
@_exported import struct OrepaImage.DecodingChoices
@_exported import struct OrepaImage.DecodingLimits
@_exported import enum OrepaImage.ImageDecoder
@_exported import enum OrepaImage.ImageError
@_exported import enum OrepaImage.ImageFormat
@_exported import enum OrepaImage.ImageWarning
@_exported import struct OrepaImage.RGBImage
@_exported import struct OrepaNetwork.ModelDescription
@_exported import struct OrepaNetwork.ModelFile
@_exported import enum OrepaNetwork.ModelFileError
@_exported import struct OrepaNetwork.NetworkAssumptions
@_exported import enum OrepaNetwork.Numerics
@_exported import struct OrepaNetwork.Preprocessing
@_exported import struct OrepaNetwork.Shape
@_exported import struct OrepaNetwork.VerificationRecord
@_exported import enum OrepaPlan.InstructionSet
@_exported import struct OrepaPlan.ModelBudget
@_exported import enum OrepaPlan.PlanMemory
@_exported import struct OrepaSystem.RawPath
@_exported import struct OrepaThreads.CallLimits
@_exported import class OrepaThreads.Cancellation
@_exported import struct OrepaThreads.ParallelFor
@_exported import class OrepaThreads.WorkerPool
@_exported import func OrepaThreads.availableProcessorCount
