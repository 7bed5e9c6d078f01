// A program that embeds the library imports `Orepa` alone: the types of these modules are part of its calls.
@_exported import OrepaImage
@_exported import OrepaNetwork
@_exported import OrepaPlan
@_exported import OrepaSystem
@_exported import OrepaThreads
