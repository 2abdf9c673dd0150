package credential

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// SealFile is the name of the key that seals passwords, in the state directory.
const SealFile = "seal.key"

const sealBytes = 32 // AES-256

// OpenSeal returns what seals passwords, with the key in dir, which is made (0600)
// if it is missing. Who has a copy of the state without that file learns no
// password from it.
func OpenSeal(dir string) (cipher.AEAD, error) {
	path := filepath.Join(dir, SealFile)
	key, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		key, err = makeSeal(path)
	}
	if err == nil && len(key) != sealBytes {
		err = fmt.Errorf("%s is %d bytes long, not %d", path, len(key), sealBytes)
	}
	if err == nil {
		err = os.Chmod(path, 0o600) // it may have been copied here
	}
	if err != nil {
		return nil, fmt.Errorf("open the key that seals passwords: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("open the key that seals passwords: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("open the key that seals passwords: %w", err)
	}
	return aead, nil
}

// makeSeal makes a new key, whole or not at all.
func makeSeal(path string) ([]byte, error) {
	key := make([]byte, sealBytes)
	rand.Read(key) // it never fails
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(key)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return key, os.Rename(path+".new", path)
}
