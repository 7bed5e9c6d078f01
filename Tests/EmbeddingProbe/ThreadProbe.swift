import CHostCalls
import COrepa
import Glibc
import OrepaC

/// Threads of a host as they may be: with little stack, and cancelled in the middle of a call.
struct ThreadProbe {
    /// What a thread does: it loads the model, classifies the picture and frees all.
    private struct Job {
        let model: UnsafePointer<CChar>
        let picture: UnsafePointer<CChar>
        /// How often that worked.
        var count = 0

        mutating func work() {
            guard let orepa = orepa_get_api(UInt32(OREPA_API_VERSION))?.pointee else { return }
            var options = orepa_model_options()
            options.size = MemoryLayout<orepa_model_options>.size
            options.thread_count = 2
            var model: OpaquePointer?
            var answers: OpaquePointer?
            var picture = orepa_picture_file(picture)
            var best = orepa_prediction()
            best.size = MemoryLayout<orepa_prediction>.size
            var places = 1
            if orepa.model_load(self.model, &options, &model) == OREPA_OK,
                orepa.run(model, &picture, 1, nil, &answers) == OREPA_OK,
                orepa.answers_top(answers, 0, &best, &places) == OREPA_OK, best.index == 8
            {
                count += 1
            }
            orepa.answers_free(answers)
            orepa.model_free(model)
        }
    }

    /// Arguments: MODEL `stack` KIB PICTURE, or MODEL `cancel` TIMES PICTURE; the picture is of class 8.
    static func run(_ arguments: [String]) {
        guard arguments.count == 5, let number = Int(arguments[3]) else { exit(64) }
        let passed = arguments[1].withCString { model in
            arguments[4].withCString { picture in
                var job = Job(model: model, picture: picture)
                let body: @convention(c) (UnsafeMutableRawPointer?) -> Void = {
                    $0!.assumingMemoryBound(to: Job.self).pointee.work()
                }
                if arguments[2] == "stack" {
                    return orepa_host_call_on_stack(number << 10, body, &job) && job.count == 1
                }
                for time in 0..<number {
                    guard orepa_host_cancel_thread(UInt32(time) * 700, body, &job) else {
                        return false
                    }
                }
                // All is in order still.
                let count = job.count
                job.work()
                return job.count == count + 1
            }
        }
        print("passed \(passed ? 1 : 0)")
    }
}
