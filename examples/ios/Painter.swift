// Paints a photo with a .tflite of nst_tf on iOS. Follows the documented Interpreter of TensorFlowLiteSwift; not compiled
// by us.
//
// Podfile:  pod 'TensorFlowLiteSwift'

import CoreGraphics
import Foundation
import TensorFlowLite

/// One model, for photos of any size. Not for several threads at once; call it off the main thread.
final class Painter {
    private let interpreter: Interpreter

    init(modelPath: String, threads: Int = 4) throws {
        var options = Interpreter.Options()
        options.threadCount = threads
        interpreter = try Interpreter(modelPath: modelPath, options: options)
    }

    /// Returns the painted photo as RGBA bytes, of RGBA bytes of the same width and height.
    func paint(rgba: [UInt8], width: Int, height: Int) throws -> [UInt8] {
        let right = grown(width), bottom = grown(height)
        var image = [Float32](repeating: 0, count: bottom * right * 3)
        for y in 0..<bottom {
            for x in 0..<right {
                let from = 4 * (mirrored(y, height) * width + mirrored(x, width))
                for channel in 0..<3 {
                    image[(y * right + x) * 3 + channel] = Float32(rgba[from + channel]) / 255
                }
            }
        }
        try interpreter.resizeInput(at: 0, to: [1, bottom, right, 3])
        try interpreter.allocateTensors()
        try interpreter.copy(image.withUnsafeBufferPointer { Data(buffer: $0) }, toInputAt: 0)
        try interpreter.invoke()
        let stylized = try interpreter.output(at: 0).data.withUnsafeBytes { Array($0.bindMemory(to: Float32.self)) }
        var painted = rgba                                             // alpha stays
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<3 {
                    let value = (stylized[(y * right + x) * 3 + channel] * 255).rounded()
                    painted[4 * (y * width + x) + channel] = UInt8(min(max(value, 0), 255))
                }
            }
        }
        return painted
    }

    /// The side that the network can draw: a multiple of 4, at least 8.
    private func grown(_ side: Int) -> Int { max((side + 3) / 4 * 4, 8) }

    /// Beyond the last pixel the photo is mirrored; that pixel is not repeated.
    private func mirrored(_ position: Int, _ side: Int) -> Int {
        let period = max(2 * (side - 1), 1)
        let phase = position % period
        return min(phase, period - phase, side - 1)
    }
}
