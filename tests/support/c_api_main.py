"""Runs SavedModels by TensorFlow's C API alone, as a server in C++ would; Python's
TensorFlow cannot be imported.

python c_api_main.py LIBRARY < PICKLED [(model, {input tensor: array}, [output tensor])] > PICKLED [[array]]

Tensors are named "operation:index"; arrays are uint8, float32, or of bytes objects.
"""

import ctypes
import pickle
import sys

sys.modules["tensorflow"] = sys.modules["keras"] = sys.modules["nst_tf"] = (
    None  # all fail to import
)

import numpy as np  # noqa: E402

FLOAT, UINT8, STRING = 1, 4, 7  # TF_DataType
DTYPES = {FLOAT: np.float32, UINT8: np.uint8}
STRING_BYTES = 24  # sizeof(TF_TString)

pointer, sized = ctypes.c_void_p, ctypes.c_size_t


class Output(ctypes.Structure):
    """TF_Output."""

    _fields_ = [("operation", pointer), ("index", ctypes.c_int)]


class Runtime:
    """libtensorflow_cc, with an error for each status that is not OK."""

    def __init__(self, library):
        self._library = ctypes.CDLL(library)
        self._status = self.call("NewStatus", pointer)

    def call(self, name, returned=None, *arguments):
        function = getattr(self._library, f"TF_{name}")
        function.restype = returned
        return function(*arguments)

    def checked(self, name, returned=None, *arguments):
        result = self.call(name, returned, *arguments, pointer(self._status))
        if self.call("GetCode", ctypes.c_int, pointer(self._status)):
            sys.exit(
                self.call("Message", ctypes.c_char_p, pointer(self._status)).decode()
            )
        return result

    def load(self, model):
        """Returns a session and its graph."""
        graph = pointer(self.call("NewGraph", pointer))
        tags = (ctypes.c_char_p * 1)(b"serve")
        session = self.checked(
            "LoadSessionFromSavedModel",
            pointer,
            pointer(self.call("NewSessionOptions", pointer)),
            None,
            model.encode(),
            tags,
            1,
            graph,
            None,
        )
        return pointer(session), graph

    def output(self, graph, name):
        operation, _, index = name.partition(":")
        found = self.call("GraphOperationByName", pointer, graph, operation.encode())
        assert found, f"no operation {operation}"
        return Output(found, int(index))

    def run(self, session, graph, feeds, fetches):
        inputs = (Output * len(feeds))(*(self.output(graph, name) for name in feeds))
        values = (pointer * len(feeds))(*map(self.tensor, feeds.values()))
        outputs = (Output * len(fetches))(
            *(self.output(graph, name) for name in fetches)
        )
        results = (pointer * len(fetches))()
        self.checked(
            "SessionRun",
            None,
            session,
            None,
            inputs,
            values,
            len(feeds),
            outputs,
            results,
            len(fetches),
            None,
            0,
            None,
        )
        return [self.array(pointer(result)) for result in results]

    def tensor(self, array):
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        if array.dtype != object:
            kind = next(
                number for number, dtype in DTYPES.items() if dtype == array.dtype
            )
            tensor = self.call(
                "AllocateTensor", pointer, kind, shape, array.ndim, sized(array.nbytes)
            )
            ctypes.memmove(
                self.call("TensorData", pointer, pointer(tensor)),
                array.tobytes(),
                array.nbytes,
            )
            return tensor
        tensor = self.call(
            "AllocateTensor",
            pointer,
            STRING,
            shape,
            array.ndim,
            sized(STRING_BYTES * array.size),
        )
        data = self.call("TensorData", pointer, pointer(tensor))
        for place, value in enumerate(array.ravel()):
            string = pointer(data + STRING_BYTES * place)
            self.call("StringInit", None, string)
            self.call("StringCopy", None, string, value, sized(len(value)))
        return tensor

    def array(self, tensor):
        shape = [
            self.call("Dim", ctypes.c_int64, tensor, axis)
            for axis in range(self.call("NumDims", ctypes.c_int, tensor))
        ]
        data, kind = (
            self.call("TensorData", pointer, tensor),
            self.call("TensorType", ctypes.c_int, tensor),
        )
        if kind != STRING:
            size = self.call("TensorByteSize", sized, tensor)
            return np.frombuffer(ctypes.string_at(data, size), DTYPES[kind]).reshape(
                shape
            )
        strings = [
            pointer(data + STRING_BYTES * place) for place in range(int(np.prod(shape)))
        ]
        return [
            ctypes.string_at(
                self.call("StringGetDataPointer", pointer, string),
                self.call("StringGetSize", sized, string),
            )
            for string in strings
        ]


def main():
    runtime, results, sessions = Runtime(sys.argv[1]), [], {}
    for model, feeds, fetches in pickle.load(sys.stdin.buffer):
        if model not in sessions:
            sessions[model] = runtime.load(model)
        results.append(runtime.run(*sessions[model], feeds, fetches))
    pickle.dump(results, sys.stdout.buffer)


if __name__ == "__main__":
    main()
