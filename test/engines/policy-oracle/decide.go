package main

import (
	"sort"

	internal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// request has the names of `auditsieve policy eval`.
type request struct {
	NoUser            bool     `json:"noUser"`
	User              string   `json:"user"`
	Groups            []string `json:"groups"`
	Verb              string   `json:"verb"`
	IsResourceRequest bool     `json:"isResourceRequest"`
	APIGroup          string   `json:"apiGroup"`
	APIVersion        string   `json:"apiVersion"`
	Resource          string   `json:"resource"`
	Subresource       string   `json:"subresource"`
	Namespace         string   `json:"namespace"`
	Name              string   `json:"name"`
	Path              string   `json:"path"`
}

type decision struct {
	Level             string   `json:"level"`
	OmitStages        []string `json:"omitStages"`
	OmitManagedFields bool     `json:"omitManagedFields"`
}

func decide(accepted *internal.Policy, requests []request) []decision {
	evaluator := policy.NewPolicyRuleEvaluator(accepted)
	decisions := make([]decision, 0, len(requests))
	for _, r := range requests {
		config := evaluator.EvaluatePolicyRule(attributesOf(r))
		stages := make([]string, 0, len(config.OmitStages))
		for _, stage := range config.OmitStages {
			stages = append(stages, string(stage))
		}
		// The evaluator takes them from a map: without order.
		sort.Strings(stages)
		decisions = append(decisions, decision{string(config.Level), stages, config.OmitManagedFields})
	}
	return decisions
}

func attributesOf(r request) authorizer.Attributes {
	attributes := authorizer.AttributesRecord{
		Verb: r.Verb, ResourceRequest: r.IsResourceRequest, Path: r.Path,
		APIGroup: r.APIGroup, APIVersion: r.APIVersion, Resource: r.Resource, Subresource: r.Subresource,
		Namespace: r.Namespace, Name: r.Name,
	}
	if !r.NoUser {
		attributes.User = &user.DefaultInfo{Name: r.User, Groups: r.Groups}
	}
	return attributes
}
