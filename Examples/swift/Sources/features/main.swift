import Orepa

let model = try Model(path: "model.safetensors")
let outputs = Outputs(features: true, stages: ["stage3"])
let answer = try model.run(.file("bag.jpg"), outputs: outputs)
print(try answer.top(1)[0].label ?? "?", answer.features!.count, answer.featureMaps[0].shape)
