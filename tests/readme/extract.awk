# Writes each block between ```cpp and ``` to a file of its own, <file>_1.cpp, <file>_2.cpp, ...
/^```cpp$/ { inside = 1; out = file "_" ++count ".cpp"; next }
/^```/ { if (inside) close(out); inside = 0; next }
inside { print > out }
