package main

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	internal "k8s.io/apiserver/pkg/apis/audit"
	v1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/apiserver/pkg/apis/audit/validation"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/audit/policy"
)

type loadedPolicy struct {
	// policy is nil where the apiserver would not start.
	policy *internal.Policy
	// refusal is what it would say then.
	refusal string
	// strictError is what it would only log.
	strictError string
	fieldErrors []string
}

var (
	strictDecoder  = serializer.NewCodecFactory(audit.Scheme, serializer.EnableStrict).UniversalDecoder()
	lenientDecoder = audit.Codecs.UniversalDecoder(v1.SchemeGroupVersion)
)

// load asks the reader that the apiserver uses, and beside it the parts of it that the reader only logs or aggregates.
func load(text []byte) (result loadedPolicy) {
	// go-yaml panics on some broken texts, and an apiserver would die of it: that is a refusal too.
	defer func() {
		if cause := recover(); cause != nil {
			result = loadedPolicy{refusal: fmt.Sprintf("panic: %v", cause)}
		}
	}()
	if _, _, err := strictDecoder.Decode(text, nil, &internal.Policy{}); err != nil && runtime.IsStrictDecodingError(err) {
		result.strictError = err.Error()
	}
	decoded := &internal.Policy{}
	if _, _, err := lenientDecoder.Decode(text, nil, decoded); err == nil {
		for _, fieldError := range validation.ValidatePolicy(decoded) {
			result.fieldErrors = append(result.fieldErrors, fieldError.Error())
		}
	}
	accepted, err := policy.LoadPolicyFromBytes(text)
	if err != nil {
		result.refusal = err.Error()
		return result
	}
	result.policy = accepted
	return result
}
