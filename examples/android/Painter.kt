// Paints a photo with a .tflite of nst_tf on Android. Follows LiteRT's documented Interpreter API; not compiled by us.
//
// build.gradle.kts:  implementation("com.google.ai.edge.litert:litert:1.4.0")
// The model lies in src/main/assets; keep it uncompressed:  androidResources { noCompress += "tflite" }

import android.content.Context
import android.graphics.Bitmap
import org.tensorflow.lite.Interpreter
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel
import kotlin.math.max
import kotlin.math.min
import kotlin.math.roundToInt

/** One model, for photos of any size. Not for several threads at once; call it off the main thread. */
class Painter(context: Context, asset: String, threads: Int = 4) : AutoCloseable {
    private val interpreter = context.assets.openFd(asset).use { file ->
        FileInputStream(file.fileDescriptor).channel.use { channel ->
            val bytes = channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
            Interpreter(bytes, Interpreter.Options().setNumThreads(threads))
        }
    }

    /** Returns the painted photo, of the photo's size. */
    fun paint(photo: Bitmap): Bitmap {
        val (width, height) = photo.width to photo.height
        val (right, bottom) = grown(width) to grown(height)
        val pixels = IntArray(width * height)
        photo.getPixels(pixels, 0, width, 0, 0, width, height)
        val image = floats(bottom * right * 3)
        for (y in 0 until bottom) for (x in 0 until right) {
            val pixel = pixels[mirrored(y, height) * width + mirrored(x, width)]
            for (shift in intArrayOf(16, 8, 0)) image.putFloat((pixel shr shift and 0xff) / 255f)
        }
        image.rewind()
        interpreter.resizeInput(0, intArrayOf(1, bottom, right, 3))
        val stylized = floats(bottom * right * 3)
        interpreter.run(image, stylized)
        for (y in 0 until height) for (x in 0 until width) {
            var pixel = 0xff
            for (channel in 0 until 3) {
                val value = (stylized.getFloat(4 * ((y * right + x) * 3 + channel)) * 255).roundToInt()
                pixel = pixel shl 8 or min(max(value, 0), 255)
            }
            pixels[y * width + x] = pixel
        }
        return Bitmap.createBitmap(pixels, width, height, Bitmap.Config.ARGB_8888)
    }

    override fun close() = interpreter.close()

    private fun floats(count: Int) = ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder())

    /** The side that the network can draw: a multiple of 4, at least 8. */
    private fun grown(side: Int) = max((side + 3) / 4 * 4, 8)

    /** Beyond the last pixel the photo is mirrored; that pixel is not repeated. */
    private fun mirrored(position: Int, side: Int): Int {
        val period = max(2 * (side - 1), 1)
        val phase = position % period
        return min(min(phase, period - phase), side - 1)
    }
}
